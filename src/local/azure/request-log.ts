// The last calls, and how many of each there were: what a test asks when it counts Azure calls.

export interface LoggedRequest {
  readonly at: number;
  readonly operation: string;
  readonly method: string;
  readonly path: string;
  readonly name: string;
  readonly status: number;
  readonly errorCode?: string;
}

const MAX_LOGGED_REQUESTS = 10_000;

export class RequestLog {
  #requests: LoggedRequest[] = [];
  readonly #counts = new Map<string, number>();
  #total = 0;

  get total(): number {
    return this.#total;
  }

  record(request: LoggedRequest): void {
    this.#total++;
    this.#counts.set(request.operation, (this.#counts.get(request.operation) ?? 0) + 1);
    this.#requests.push(request);
    // Halved at once rather than shifted one by one: cheap on average.
    if (this.#requests.length > MAX_LOGGED_REQUESTS)
      this.#requests = this.#requests.slice(MAX_LOGGED_REQUESTS / 2);
  }

  /** The last calls, oldest first: at least 5,000 of them, at most 10,000. */
  requests(): readonly LoggedRequest[] {
    return this.#requests;
  }

  /** Calls since the start (or the last reset) by operation. */
  counts(): Record<string, number> {
    return Object.fromEntries(this.#counts);
  }

  reset(): void {
    this.#requests = [];
    this.#counts.clear();
  }
}
