// What enters and leaves the simulated cloud, without sockets: the HTTP front only translates.

export interface ArmRequest {
  readonly method: string;
  /** Path and query; an absolute URL is fine too, its host is ignored. */
  readonly url: string;
  /** Names in lower case. */
  readonly headers?: Readonly<Record<string, string | undefined>>;
  /** The body as text; an object is taken as already parsed JSON. */
  readonly body?: string | object;
}

export interface ArmResponse {
  readonly status: number;
  readonly headers: Readonly<Record<string, string>>;
  /** Sent as JSON; absent means an empty body. */
  readonly body?: unknown;
  /** The answer never arrives: the front destroys the connection instead. */
  readonly dropConnection?: boolean;
  /** The front answers this much later. */
  readonly delayMilliseconds?: number;
}

/** What a handler returns; the common headers are added around it. */
export interface Reply {
  readonly status: number;
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: unknown;
}
