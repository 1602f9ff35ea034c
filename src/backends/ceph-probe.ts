// Asks Ceph's monitors for their banner: the only word they say before keys are exchanged, and enough
// to tell them from anything else that listens.
import type { Probed } from '../plan/probe-observation.ts';
import type { ProbeEnvironment } from './http-probe.ts';
import { type Attempt, runNetworkProbe } from './network-probe.ts';
import { ProbeError, type Trace } from './trace.ts';

export interface CephProbeRequest {
  /** `address`, `address:port`, `[address]:port`. */
  readonly monitors: readonly string[];
  readonly filesystemName: string;
  readonly path: string;
  readonly timeoutMilliseconds: number;
}

const PORT = 3300;
/** `ceph v2` and a line break on port 3300, `ceph v027` on the older protocol's 6789. */
const BANNER = /^ceph v(2\n|0\d)/;
const BANNER_BYTES = 8;

export function probeCeph(
  environment: ProbeEnvironment,
  request: CephProbeRequest,
  signal: AbortSignal,
): Promise<Probed> {
  const { monitors, filesystemName, path, timeoutMilliseconds } = request;
  const endpoint = `${filesystemName}:${path} at ${monitors.join(', ')}`;
  return runNetworkProbe(
    environment,
    { endpoint, timeoutMilliseconds, signal },
    async (attempt) => {
      const asked = await Promise.all(monitors.map((monitor) => ask(attempt, monitor)));
      const good = asked.find(({ error }) => error === undefined);
      attempt.adopt((good ?? asked[0]!).trace);
      if (!good) throw asked[0]!.error;
      const silent = asked.filter(({ error }) => error !== undefined);
      return {
        type: 'succeeded',
        said: `${asked.length - silent.length} of ${asked.length} monitors answer`,
        remarks: silent.map(({ error }) => (error as Error).message),
      };
    },
  );
}

interface Asked {
  readonly trace: Trace;
  readonly error: unknown;
}

async function ask(attempt: Attempt, monitor: string): Promise<Asked> {
  const trace = attempt.newTrace();
  try {
    const stream = await attempt.open(endpointOf(monitor), trace);
    await trace.run(
      'Protocol',
      async () => {
        const banner = (await stream.read(BANNER_BYTES)).toString('latin1');
        if (!BANNER.test(banner))
          throw new ProbeError(
            'Protocol',
            'NotCeph',
            `${monitor} answers, but not as a Ceph monitor`,
          );
      },
      () => 'the banner of a Ceph monitor',
    );
    stream.close();
    return { trace, error: undefined };
  } catch (error) {
    return { trace, error };
  }
}

function endpointOf(monitor: string): { host: string; port: number } {
  const [, bracketed, plain, port] = /^(?:\[([^\]]+)\]|([^:]+))(?::(\d+))?$/.exec(monitor) ?? [];
  return { host: bracketed ?? plain ?? monitor, port: Number(port ?? PORT) };
}
