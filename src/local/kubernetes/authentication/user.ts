// Who is calling, in authentication.k8s.io's terms.

export interface User {
  readonly username: string;
  readonly uid?: string;
  readonly groups: readonly string[];
  readonly extra?: Readonly<Record<string, readonly string[]>>;
}

export const anonymous: User = {
  username: 'system:anonymous',
  groups: ['system:unauthenticated'],
};
