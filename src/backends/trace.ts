// Where a probe is and what it has passed, written down as it goes, so that a probe that fails or runs
// out of time can still say how far it came.
import type { CheckName } from '../api/probe-result.ts';
import type { PassedCheck, ProbeFailure } from '../plan/probe-observation.ts';
import type { Clock } from '../runtime/clock.ts';

export class Trace {
  readonly #clock: Clock;
  readonly passed: PassedCheck[] = [];
  /** What is under way. */
  check: CheckName = 'DNS';
  /** Since the epoch, of the certificate that the server showed. */
  certificateEndsAt: number | undefined;
  /** What an open connection died of; with TLS 1.3 that is where a client certificate is refused. */
  lateError: string | undefined;

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /** Does one check; what it says on success is a phrase for people. */
  async run<T>(check: CheckName, work: () => Promise<T>, say: (result: T) => string): Promise<T> {
    this.check = check;
    const startedAt = this.#clock.monotonic();
    const result = await work();
    this.pass(check, say(result), this.#clock.monotonic() - startedAt);
    return result;
  }

  pass(check: CheckName, message: string, milliseconds?: number): void {
    this.passed.push({ check, message, ...(milliseconds === undefined ? {} : { milliseconds }) });
  }
}

/** A probe's own verdict on why it could not go on. `message` is a phrase without advice. */
export class ProbeError extends Error implements ProbeFailure {
  readonly type = 'failed';
  readonly check: CheckName;
  readonly code: string;

  constructor(check: CheckName, code: string, message: string) {
    super(message);
    this.name = 'ProbeError';
    this.check = check;
    this.code = code;
  }
}

const OUT_OF_TIME: Readonly<Record<CheckName, string>> = {
  DNS: 'its name was not resolved',
  TCP: 'nothing accepted the connection',
  TLS: 'the TLS handshake did not end',
  Protocol: 'connected, but there was no answer',
  Authorization: 'it answered, but did not say whether the credentials are good',
  Mount: 'it answered, but mounting it did not end',
  Capacity: 'it answered, but did not say how full it is',
  CDN: 'the CDN did not answer',
};

export function outOfTime(check: CheckName, timeoutMilliseconds: number): ProbeFailure {
  const message = `${OUT_OF_TIME[check]} within ${timeoutMilliseconds / 1000} s`;
  return { type: 'failed', check, code: 'Timeout', message };
}
