// The frame of every probe that is not HTTP: a deadline, a trace, and an observation at the end.
import type { Measured, Probed, ProbeSuccess } from '../plan/probe-observation.ts';
import { ByteStream } from './byte-stream.ts';
import { withDeadline } from './deadline.ts';
import { dial, type Endpoint } from './dial.ts';
import type { ProbeEnvironment } from './http-probe.ts';
import { outOfTime, ProbeError, Trace } from './trace.ts';

export interface Attempt {
  readonly trace: Trace;
  /** Name, connection; both noted in the trace, or in another one. */
  open(endpoint: Endpoint, trace?: Trace): Promise<ByteStream>;
  newTrace(): Trace;
  /** Another trace is what the observation shows. */
  adopt(trace: Trace): void;
  measure(measured: Measured): void;
}

export interface NetworkProbe {
  /** How it is called to the user. */
  readonly endpoint: string;
  readonly timeoutMilliseconds: number;
  readonly signal: AbortSignal;
}

/** Throws only when the outer signal was aborted. */
export async function runNetworkProbe(
  { clock, rules, hostAliases }: ProbeEnvironment,
  { endpoint, timeoutMilliseconds, signal: outer }: NetworkProbe,
  work: (attempt: Attempt) => Promise<ProbeSuccess>,
): Promise<Probed> {
  const startedAt = clock.monotonic();
  let trace = new Trace(clock);
  let measured: Measured | undefined;
  const streams: ByteStream[] = [];
  const outcome = await withDeadline(
    clock,
    { timeoutMilliseconds, signal: outer },
    async (signal) => {
      try {
        return await work({
          trace,
          open: async (target, own = trace) => {
            const socket = await dial(target, { rules, hostAliases, signal, trace: own });
            const stream = new ByteStream(socket, signal);
            streams.push(stream);
            return stream;
          },
          newTrace: () => new Trace(clock),
          adopt: (other) => {
            trace = other;
          },
          measure: (found) => {
            measured = found;
          },
        });
      } catch (error) {
        outer.throwIfAborted();
        if (signal.aborted) return outOfTime(trace.check, timeoutMilliseconds);
        if (error instanceof ProbeError) return error;
        throw error;
      } finally {
        for (const stream of streams) stream.close();
      }
    },
  );
  return {
    type: 'probed',
    endpoint,
    passed: trace.passed,
    totalMilliseconds: clock.monotonic() - startedAt,
    measured,
    outcome,
  };
}
