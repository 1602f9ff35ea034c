// Refusals, in the words and shapes of metav1.Status, because clients branch on them.

export interface StatusCause {
  readonly reason: string;
  readonly message: string;
  readonly field?: string;
}

export interface StatusDetails {
  readonly name?: string;
  readonly group?: string;
  readonly kind?: string;
  readonly uid?: string;
  readonly causes?: readonly StatusCause[];
  readonly retryAfterSeconds?: number;
}

export class StatusError extends Error {
  readonly code: number;
  readonly reason: string;
  readonly details: StatusDetails;

  constructor(code: number, reason: string, message: string, details: StatusDetails = {}) {
    super(message);
    this.name = 'StatusError';
    this.code = code;
    this.reason = reason;
    this.details = details;
  }

  toStatus(): object {
    return {
      kind: 'Status',
      apiVersion: 'v1',
      metadata: {},
      status: 'Failure',
      message: this.message,
      ...(this.reason ? { reason: this.reason } : {}),
      ...(Object.keys(this.details).length > 0 ? { details: this.details } : {}),
      code: this.code,
    };
  }
}

/** What the words need to know of a resource. */
export interface Named {
  readonly group: string;
  readonly plural: string;
  readonly kind: string;
}

const qualified = (type: Named): string =>
  type.group ? `${type.plural}.${type.group}` : type.plural;
const groupDetail = (type: Named): { group?: string } => (type.group ? { group: type.group } : {});

export const notFound = (type: Named, name: string): StatusError =>
  new StatusError(404, 'NotFound', `${qualified(type)} "${name}" not found`, {
    name,
    ...groupDetail(type),
    kind: type.plural,
  });

/** Where there is no API at all: told in plain text, as by any web server. */
export class PageNotFound extends Error {
  constructor() {
    super('404 page not found');
    this.name = 'PageNotFound';
  }
}

/** Refuses an option of a request, as if the options were an object of their own. */
export function invalidOption(kind: string, problem: StatusCause): StatusError {
  return invalid({ group: 'meta.k8s.io', plural: '', kind }, '', [problem]);
}

export const unknownPath = (): StatusError =>
  new StatusError(404, 'NotFound', 'the server could not find the requested resource');

export const alreadyExists = (type: Named, name: string): StatusError =>
  new StatusError(409, 'AlreadyExists', `${qualified(type)} "${name}" already exists`, {
    name,
    ...groupDetail(type),
    kind: type.plural,
  });

export function conflict(type: Named, name: string, why?: string): StatusError {
  const because =
    why ??
    'the object has been modified; please apply your changes to the latest version and try again';
  return new StatusError(
    409,
    'Conflict',
    `Operation cannot be fulfilled on ${qualified(type)} "${name}": ${because}`,
    { name, ...groupDetail(type), kind: type.plural },
  );
}

export const badRequest = (message: string): StatusError =>
  new StatusError(400, 'BadRequest', message);

export function invalid(type: Named, name: string, causes: readonly StatusCause[]): StatusError {
  const lines = causes.map((cause) => (cause.field ? `${cause.field}: ` : '') + cause.message);
  const text = lines.length === 1 ? lines[0] : `[${lines.join(', ')}]`;
  const kind = type.group ? `${type.kind}.${type.group}` : type.kind;
  return new StatusError(422, 'Invalid', `${kind} "${name}" is invalid: ${text}`, {
    ...(name ? { name } : {}),
    ...groupDetail(type),
    kind: type.kind,
    causes,
  });
}

export const forbidden = (
  type: Named,
  name: string,
  why: string,
  causes?: readonly StatusCause[],
): StatusError =>
  new StatusError(403, 'Forbidden', `${qualified(type)} "${name}" is forbidden: ${why}`, {
    name,
    ...groupDetail(type),
    kind: type.plural,
    ...(causes ? { causes } : {}),
  });

export const expired = (message: string): StatusError => new StatusError(410, 'Expired', message);

export const methodNotAllowed = (): StatusError =>
  new StatusError(
    405,
    'MethodNotAllowed',
    'the server does not allow this method on the requested resource',
  );

export const unauthorized = (): StatusError => new StatusError(401, 'Unauthorized', 'Unauthorized');

export const unsupportedMediaType = (accepted: readonly string[]): StatusError =>
  new StatusError(
    415,
    'UnsupportedMediaType',
    'the body of the request was in an unknown format - accepted media types include: ' +
      accepted.join(', '),
  );

export const notAcceptable = (accepted: readonly string[]): StatusError =>
  new StatusError(
    406,
    'NotAcceptable',
    `only the following media types are accepted: ${accepted.join(', ')}`,
  );

/** Causes in the wording of k8s.io/apimachinery's field errors. */
export const cause = {
  invalid: (field: string, value: unknown, why: string): StatusCause => ({
    reason: 'FieldValueInvalid',
    message: `Invalid value: ${shown(value)}: ${why}`,
    field,
  }),
  required: (field: string, why = ''): StatusCause => ({
    reason: 'FieldValueRequired',
    message: why ? `Required value: ${why}` : 'Required value',
    field,
  }),
  notSupported: (field: string, value: unknown, supported: readonly unknown[]): StatusCause => ({
    reason: 'FieldValueNotSupported',
    message: `Unsupported value: ${shown(value)}: supported values: ${supported.map(quoted).join(', ')}`,
    field,
  }),
  forbidden: (field: string, why: string): StatusCause => ({
    reason: 'FieldValueForbidden',
    message: `Forbidden: ${why}`,
    field,
  }),
  duplicate: (field: string, value: unknown): StatusCause => ({
    reason: 'FieldValueDuplicate',
    message: `Duplicate value: ${shown(value)}`,
    field,
  }),
  tooLong: (field: string, limit: number): StatusCause => ({
    reason: 'FieldValueTooLong',
    message: `Too long: may not be more than ${limit} ${limit === 1 ? 'byte' : 'bytes'}`,
    field,
  }),
  tooMany: (field: string, count: number, limit: number): StatusCause => ({
    reason: 'FieldValueTooMany',
    message: `Too many: ${count}: must have at most ${limit} ${limit === 1 ? 'item' : 'items'}`,
    field,
  }),
  typeInvalid: (field: string, value: unknown, why: string): StatusCause => ({
    reason: 'FieldValueTypeInvalid',
    message: `Invalid value: ${shown(value)}: ${why}`,
    field,
  }),
};

/** Allowed values are quoted whatever their type. */
function quoted(value: unknown): string {
  return JSON.stringify(typeof value === 'string' ? value : JSON.stringify(value));
}

function shown(value: unknown): string {
  if (value === null || value === undefined) return 'null';
  return JSON.stringify(value);
}
