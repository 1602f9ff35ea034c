// One request to Azure: held to the budget, attributed, bounded in time, measured, logged, and its
// failure made a CloudError. Everything that leaves this room goes through `ArmCaller.run`.

import type { Runtime } from '../runtime/index.ts';
import { randomUuid } from '../runtime/random.ts';
import type { CloudError } from './errors.ts';
import { type ArmAnswer, describe, refusal, silence } from './failures.ts';
import type { CallContext } from './port.ts';
import type { Throttle } from './throttle.ts';

export interface ArmCall {
  /** `disks.createOrUpdate`: a label of the metrics. */
  readonly operation: string;
  readonly method: 'GET' | 'PUT' | 'PATCH' | 'POST' | 'DELETE';
  /** For people: `disks/pk-1`. */
  readonly target: string;
  readonly subscriptionId: string;
  /** What the per-resource rate limits belong to, when that isn't the target. */
  readonly bucketOwner?: string;
}

/** What the SDK reports of a raw answer, whatever the outcome. */
interface RawAnswer {
  readonly status: number;
  readonly headers: { get(name: string): string | undefined };
  readonly bodyAsText?: string | null;
}

/** Fits the options of every operation of the SDK's clients. */
export interface SendOptions {
  readonly abortSignal: AbortSignal;
  readonly requestOptions: { readonly headers: Record<string, string> };
  readonly onResponse: (answer: RawAnswer) => void;
}

export interface Outcome<T> {
  readonly value: T;
  readonly answer: ArmAnswer;
}

const DURATION_BUCKETS_SECONDS = [0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30];

export class ArmCaller {
  readonly #runtime: Runtime;
  readonly #throttle: Throttle;
  readonly #timeoutMilliseconds: number;
  readonly #requests;
  readonly #duration;

  constructor(runtime: Runtime, throttle: Throttle, timeoutMilliseconds: number) {
    this.#runtime = runtime;
    this.#throttle = throttle;
    this.#timeoutMilliseconds = timeoutMilliseconds;
    const { metrics } = runtime;
    this.#requests = metrics.counter(
      'poolkeeper_azure_requests_total',
      'Requests to Azure by operation and HTTP status, or the reason why none came.',
      ['operation', 'code'],
    );
    this.#duration = metrics.histogram(
      'poolkeeper_azure_request_duration_seconds',
      'Time from a request to Azure to its answer.',
      DURATION_BUCKETS_SECONDS,
      ['operation'],
    );
  }

  /** @throws CloudError always that, whatever happened. */
  async run<T>(
    call: ArmCall,
    context: CallContext,
    send: (options: SendOptions) => Promise<T>,
  ): Promise<Outcome<T>> {
    const { clock } = this.#runtime;
    this.#throttle.admit(call, context.priority);
    const abort = new AbortController();
    const giveUp = (): void => abort.abort();
    let timedOut = false;
    const cancelDeadline = clock.schedule(this.#timeoutMilliseconds, () => {
      timedOut = true;
      giveUp();
    });
    context.signal?.addEventListener('abort', giveUp, { once: true });
    if (context.signal?.aborted) giveUp();
    const startedAt = clock.monotonic();
    const requestId = randomUuid(this.#runtime.random);
    let answer: ArmAnswer | undefined;
    let failure: CloudError | undefined;
    try {
      const value = await send({
        abortSignal: abort.signal,
        requestOptions: {
          headers: {
            'x-ms-correlation-request-id': context.correlationId,
            'x-ms-client-request-id': requestId,
          },
        },
        onResponse: (raw) => {
          answer = readAnswer(raw);
        },
      });
      // Some answers are refusals that the sender did not look at.
      if (answer && answer.status >= 400) throw new Error(`HTTP ${answer.status}`);
      return { value, answer: answer ?? noAnswer };
    } catch (thrown) {
      failure =
        answer && answer.status >= 400
          ? refusal(call, answer, clock.now())
          : silence(call, thrown, { timedOut, aborted: context.signal?.aborted ?? false });
      throw failure;
    } finally {
      cancelDeadline();
      context.signal?.removeEventListener('abort', giveUp);
      if (answer) this.#throttle.observe(call, answer);
      const seconds = (clock.monotonic() - startedAt) / 1000;
      this.#record(call, { answer, failure, seconds, context, requestId });
    }
  }

  #record(
    call: ArmCall,
    seen: {
      answer: ArmAnswer | undefined;
      failure: CloudError | undefined;
      seconds: number;
      context: CallContext;
      requestId: string;
    },
  ): void {
    const { answer, failure, seconds, context, requestId } = seen;
    const code = answer?.status ?? failure?.azureCode ?? 'NoAnswer';
    this.#requests.increment({ operation: call.operation, code });
    this.#duration.observe(seconds, { operation: call.operation });
    this.#runtime.log.debug('azure request', {
      call: describe(call),
      operation: call.operation,
      code,
      ...(failure && { azureCode: failure.azureCode, outcome: failure.outcome }),
      durationMilliseconds: Math.round(seconds * 1000),
      correlationId: context.correlationId,
      clientRequestId: requestId,
      azureRequestId: answer?.header('x-ms-request-id'),
    });
  }
}

const noAnswer: ArmAnswer = { status: 0, body: undefined, header: () => undefined };

function readAnswer(raw: RawAnswer): ArmAnswer {
  let parsed: { readonly body: unknown } | undefined;
  return {
    status: raw.status,
    // The SDK has read it too: few answers are looked at a second time.
    get body() {
      parsed ??= { body: parseJson(raw.bodyAsText) };
      return parsed.body;
    },
    header: (name) => raw.headers.get(name),
  };
}

function parseJson(text: string | null | undefined): unknown {
  if (!text) return undefined;
  try {
    return JSON.parse(text);
  } catch {
    return text;
  }
}
