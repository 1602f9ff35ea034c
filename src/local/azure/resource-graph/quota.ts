// Resource Graph's own limit: so many queries per window; a page costs one, a mistake too.
import { ArmError } from '../errors.ts';
import type { ThrottlingSettings } from '../settings.ts';

const QUERIES_PER_WINDOW = 15;
const WINDOW_MILLISECONDS = 5000;

export class QueryQuota {
  readonly #settings: ThrottlingSettings;
  #windowEndsAt = 0;
  #used = 0;

  constructor(settings: ThrottlingSettings) {
    this.#settings = settings;
  }

  /**
   * Counts one query; returns the headers that tell what is left.
   * @throws ArmError 429 with Retry-After when the window is used up
   */
  take(now: number): Record<string, string> {
    if (now >= this.#windowEndsAt) {
      this.#windowEndsAt = now + WINDOW_MILLISECONDS;
      this.#used = 0;
    }
    const allowed = Math.floor(QUERIES_PER_WINDOW * this.#settings.scale);
    const waitSeconds = Math.ceil((this.#windowEndsAt - now) / 1000);
    const headers = {
      'x-ms-user-quota-remaining': String(Math.max(0, allowed - this.#used - 1)),
      'x-ms-user-quota-resets-after': `00:00:${String(waitSeconds).padStart(2, '0')}`,
      'x-ms-ratelimit-remaining-tenant-resource-requests': String(
        Math.max(0, allowed - this.#used - 1),
      ),
    };
    if (this.#settings.enabled && this.#used >= allowed) throw exhausted(headers, waitSeconds);
    this.#used++;
    return headers;
  }
}

function exhausted(headers: Record<string, string>, waitSeconds: number): ArmError {
  return new ArmError(
    429,
    {
      code: 'RateLimiting',
      message: 'Please wait before sending another query.',
      details: [
        {
          code: 'RateLimiting',
          message:
            'Client application has been throttled and should not attempt to repeat the ' +
            'request until an amount of time has elapsed.',
        },
      ],
    },
    { ...headers, 'retry-after': String(waitSeconds) },
  );
}
