// Asks an iSCSI portal for a unit: which targets are offered, whether the login works, how large the
// unit is. Nothing is attached: the machine that asks gets no disk out of it.
import type { Probed } from '../plan/probe-observation.ts';
import type { Random } from '../runtime/random.ts';
import type { ProbeEnvironment } from './http-probe.ts';
import { type ChapCredentials, logIn } from './iscsi-login.ts';
import { logOut, readCapacity, sendTargets } from './iscsi-session.ts';
import { type Attempt, runNetworkProbe } from './network-probe.ts';
import { ProbeError } from './trace.ts';

export type { ChapCredentials } from './iscsi-login.ts';

export interface IscsiProbeRequest {
  /** `address:port`, IPv6 in brackets. */
  readonly portal: string;
  readonly target: string;
  readonly lun: number;
  readonly initiatorName: string;
  readonly chap?: ChapCredentials | undefined;
  readonly timeoutMilliseconds: number;
}

const TARGETS_NAMED = 5;

export function probeIscsi(
  environment: ProbeEnvironment & { readonly random: Random },
  request: IscsiProbeRequest,
  signal: AbortSignal,
): Promise<Probed> {
  const { portal, target, lun, timeoutMilliseconds } = request;
  const { random } = environment;
  const endpoint = `${target} unit ${lun} at ${portal}`;
  return runNetworkProbe(
    environment,
    { endpoint, timeoutMilliseconds, signal },
    async (attempt) => {
      const offered = await discover(attempt, request, random);
      const bytes = await inspect(attempt, { request, random, offered });
      attempt.measure({ totalBytes: bytes });
      return { type: 'succeeded', said: `${endpoint} answers` };
    },
  );
}

/** Undefined where the portal keeps its list to itself: that alone is no fault. */
async function discover(
  attempt: Attempt,
  { portal, initiatorName }: IscsiProbeRequest,
  random: Random,
): Promise<string[] | undefined> {
  const { trace } = attempt;
  const stream = await attempt.open(endpointOf(portal));
  return trace.run(
    'Protocol',
    async () => {
      try {
        const session = await logIn(stream, { initiatorName, random });
        const names = await sendTargets(stream, session);
        await logOut(stream, session);
        return names;
      } catch (error) {
        const isRefusal = error instanceof ProbeError && error.check === 'Authorization';
        if (isRefusal) return undefined;
        throw error;
      } finally {
        stream.close();
      }
    },
    (names) =>
      names === undefined
        ? 'an iSCSI portal; its list of targets is not public'
        : `an iSCSI portal with ${names.length} target${names.length === 1 ? '' : 's'} for us`,
  );
}

async function inspect(
  attempt: Attempt,
  asked: {
    readonly request: IscsiProbeRequest;
    readonly random: Random;
    readonly offered: readonly string[] | undefined;
  },
): Promise<number> {
  const { request, random, offered } = asked;
  const { portal, target, lun, initiatorName, chap } = request;
  const { trace } = attempt;
  const stream = await attempt.open(endpointOf(portal), attempt.newTrace());
  const session = await trace.run(
    'Authorization',
    () =>
      logIn(stream, { initiatorName, targetName: target, chap, random }).catch((error: unknown) => {
        throw explained(error, target, offered);
      }),
    () => (chap?.mutual ? 'both sides proved themselves' : chap ? 'CHAP accepted' : 'logged in'),
  );
  const bytes = await trace.run(
    'Capacity',
    () => readCapacity(stream, session, lun),
    () => `unit ${lun} is there`,
  );
  await logOut(stream, session);
  return bytes;
}

/** A target that is not there, with those that are. */
function explained(
  error: unknown,
  target: string,
  offered: readonly string[] | undefined,
): unknown {
  if (!(error instanceof ProbeError) || error.code !== 'NoSuchTarget') return error;
  if (!offered || offered.includes(target)) return error;
  const some = offered.slice(0, TARGETS_NAMED).join(', ');
  const more = offered.length > TARGETS_NAMED ? ` and ${offered.length - TARGETS_NAMED} more` : '';
  const list = offered.length === 0 ? 'none for us' : `${some}${more}`;
  return new ProbeError('Protocol', 'NoSuchTarget', `${error.message}; it offers ${list}`);
}

function endpointOf(portal: string): { host: string; port: number } {
  const at = portal.lastIndexOf(':');
  return { host: portal.slice(0, at).replace(/^\[|\]$/g, ''), port: Number(portal.slice(at + 1)) };
}
