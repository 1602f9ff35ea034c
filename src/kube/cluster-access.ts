// Where an API server is and how it knows us, however that was configured.

export interface TlsSettings {
  /** PEM. Absent: the system's certificate authorities. */
  readonly certificateAuthority?: string | undefined;
  /** The name the server's certificate must carry, if not that of the URL. */
  readonly serverName?: string | undefined;
  readonly insecureSkipVerify?: boolean | undefined;
}

export interface Credential {
  /** The value of the Authorization header. */
  readonly authorization?: string | undefined;
  /** Client certificate and its key, PEM. */
  readonly certificate?: string | undefined;
  readonly key?: string | undefined;
}

export interface ClusterAccess {
  /** `https://host:port`, maybe with a path. */
  readonly server: string;
  readonly tls: TlsSettings;
  /** The namespace to use where none is given. */
  readonly namespace: string;
  /** Called for every request, so it caches; rereads tokens as they rotate. */
  credential(): Promise<Credential>;
  /** The server answered 401: whatever is cached is no longer good. */
  rejected(): void;
}
