// Hands credentials to agents: to each only what mounts and probes of its own node need, from the Secret
// that their pool or backend names, in its own namespace, and only the keys of that type of storage.
import type { BackendProbe } from '../../api/backend-probe.ts';
import type { NodeMount } from '../../api/node-mount.ts';
import { credentialKeysOf, credentialsSecretOf } from '../../plan/storage-pool-endpoint.ts';
import { messageOf } from '../../runtime/errors.ts';
import type { Runtime } from '../../runtime/index.ts';
import type { ControllerContext } from '../context.ts';
import { backendOf } from '../storage-pool/sources.ts';
import { CallerReview } from './caller.ts';
import { readSecret } from './secrets.ts';

export interface CredentialsRequest {
  readonly authorization: string | undefined;
  /** JSON: `{"kind": "NodeMount", "namespace": …, "name": …, "uid": …}`. */
  readonly body: string;
}

export interface CredentialsAnswer {
  readonly status: number;
  /** `{values}` with status 200, `{reason, message}` with any other. */
  readonly body: object;
}

export type HandOut = (request: CredentialsRequest) => Promise<CredentialsAnswer>;

export interface HandOutOptions {
  readonly runtime: Runtime;
  readonly client: ControllerContext['client'];
  readonly stores: ControllerContext['stores'];
  readonly audience: string;
  readonly agentUsername: string;
  /** Until its caches are filled the operator knows nothing. */
  readonly isSynced: () => boolean;
}

/** Whose credentials: an object of a node, by the Secret that it needs. */
interface Need {
  readonly namespace: string;
  readonly secretName: string;
  readonly needed: readonly string[];
  readonly optional: readonly string[];
}

interface Subject {
  readonly kind: string;
  readonly namespace: string;
  readonly name: string;
  readonly uid: string;
}

export function createHandOut(options: HandOutOptions): HandOut {
  const { runtime, client, isSynced, audience, agentUsername } = options;
  const callers = new CallerReview({ client, clock: runtime.clock, audience, agentUsername });
  const answers = runtime.metrics.counter(
    'poolkeeper_credentials_answers_total',
    'Answers to agents that asked for credentials.',
    ['status'],
  );
  const log = runtime.log.child({ component: 'credentials' });
  const answer = async (request: CredentialsRequest): Promise<CredentialsAnswer> => {
    if (!isSynced()) return failure(503, 'CredentialsUnavailable', 'the operator is starting');
    const caller = await callers.identify(request.authorization);
    if (caller.type === 'refused')
      return failure(caller.status, 'CredentialsUnavailable', caller.message);
    return handOut(options, caller.nodeName, request.body);
  };
  return async (request) => {
    const given = await answer(request).catch((error: unknown) => {
      log.warn('credentials could not be handed out', { error: messageOf(error) });
      const message = 'the API server could not be asked';
      return failure(503, 'CredentialsUnavailable', message);
    });
    answers.increment({ status: String(given.status) });
    if (given.status === 401 || given.status === 403)
      log.warn('credentials were refused', { status: given.status, ...given.body });
    return given;
  };
}

async function handOut(
  options: HandOutOptions,
  nodeName: string,
  body: string,
): Promise<CredentialsAnswer> {
  const subject = parseSubject(body);
  if (!subject) return failure(400, 'InvalidSpec', 'the request names no object');
  const need = needOf(options, nodeName, subject);
  // An object of another node is answered like one that isn't there: nobody learns of it here.
  if (need === 'unknown')
    return failure(
      404,
      'ReferenceNotFound',
      `the operator knows no ${subject.kind} ${subject.namespace}/${subject.name} of node ${nodeName} with that uid`,
    );
  if (!need) return { status: 200, body: { values: {} } };
  const { namespace, secretName: name, needed, optional } = need;
  const read = await readSecret(options.client, { namespace, name }, needed);
  if (read.type === 'missing') return failure(404, 'SecretNotFound', read.message);
  const keys = [...needed, ...optional].filter((key) => read.values[key] !== undefined);
  const values = Object.fromEntries(keys.map((key) => [key, read.values[key]]));
  return { status: 200, body: { values } };
}

/** Undefined for what needs no credentials. */
function needOf(
  options: HandOutOptions,
  nodeName: string,
  subject: Subject,
): Need | 'unknown' | undefined {
  const { stores } = options;
  const { namespace, name } = subject;
  const isMeant = (found: NodeMount | BackendProbe | undefined): boolean =>
    found?.metadata.uid === subject.uid && found.spec.nodeName === nodeName;
  if (subject.kind === 'NodeMount') {
    const mount = stores.nodeMounts.get(namespace, name);
    return mount && isMeant(mount) ? needOfMount(options, mount) : 'unknown';
  }
  if (subject.kind === 'BackendProbe') {
    const probe = stores.backendProbes.get(namespace, name);
    return probe && isMeant(probe) ? needOfProbe(options, probe) : 'unknown';
  }
  return 'unknown';
}

function needOfMount({ stores }: HandOutOptions, mount: NodeMount): Need | 'unknown' | undefined {
  const { namespace } = mount.metadata;
  const pool = stores.storagePools.get(namespace, mount.spec.poolRef.name);
  // What the mount itself names counts for nothing: only a pool that is there has a say.
  if (!pool || pool.metadata.uid !== mount.spec.poolRef.uid) return 'unknown';
  const backend = backendOf(stores, pool);
  const secretName = credentialsSecretOf(pool, backend);
  if (secretName === undefined) return undefined;
  return { namespace, secretName, ...credentialKeysOf(pool.spec, backend) };
}

function needOfProbe(
  { stores }: HandOutOptions,
  probe: BackendProbe,
): Need | 'unknown' | undefined {
  const { namespace } = probe.metadata;
  const backend = stores.storageBackends.get(namespace, probe.spec.backendRef.name);
  if (!backend || backend.metadata.uid !== probe.spec.backendRef.uid) return 'unknown';
  const { spec } = backend;
  if (spec.type !== 'iscsi' && spec.type !== 'cephfs') return undefined;
  const secretName = spec.credentialsSecretRef?.name;
  if (secretName === undefined) return undefined;
  return { namespace, secretName, ...credentialKeysOf(spec, backend) };
}

function parseSubject(body: string): Subject | undefined {
  try {
    const { kind, namespace, name, uid } = JSON.parse(body) as Record<string, unknown>;
    const all = [kind, namespace, name, uid];
    if (!all.every((one) => typeof one === 'string' && one !== '' && one.length <= 253))
      return undefined;
    return { kind, namespace, name, uid } as Subject;
  } catch {
    return undefined;
  }
}

function failure(status: number, reason: string, message: string): CredentialsAnswer {
  return { status, body: { reason, message } };
}
