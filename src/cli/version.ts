// The version that is reported to API servers, Azure and people.
export const version = '0.1.0';
