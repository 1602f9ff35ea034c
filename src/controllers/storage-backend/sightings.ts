// Which versions of the Secrets and ConfigMaps that backends name were seen last. Looking takes the right
// to get them and no other: nothing is listed or watched, and of what is looked at in between probes
// only the metadata is asked for.
import { configMaps, secrets } from '../../api/built-in.ts';
import type { ObjectMeta } from '../../api/object.ts';
import type { StorageBackend } from '../../api/storage-backend.ts';
import { ApiError, type KubeClient } from '../../kube/index.ts';
import type { Clock } from '../../runtime/clock.ts';

export interface InputReference {
  readonly kind: 'Secret' | 'ConfigMap';
  readonly namespace: string;
  readonly name: string;
}

interface Sighting {
  readonly version: string;
  readonly at: number;
}

/** Far more than backends that one operator can probe; the oldest are forgotten. */
const SIGHTINGS_MAX = 20_000;

/** What the backend's credentials and certificates come from, each once. */
export function inputsOf({ spec, metadata: { namespace } }: StorageBackend): InputReference[] {
  const references: InputReference[] = [];
  if ('credentialsSecretRef' in spec && spec.credentialsSecretRef)
    references.push({ kind: 'Secret', namespace, name: spec.credentialsSecretRef.name });
  if ('caBundle' in spec && spec.caBundle) {
    const { type: kind } = spec.caBundle;
    const { name } = kind === 'Secret' ? spec.caBundle.secret : spec.caBundle.configMap;
    if (!references.some((one) => one.kind === kind && one.name === name))
      references.push({ kind, namespace, name });
  }
  return references;
}

export class InputSightings {
  readonly #client: KubeClient;
  readonly #clock: Clock;
  readonly #seen = new Map<string, Sighting>();

  constructor(client: KubeClient, clock: Clock) {
    this.#client = client;
    this.#clock = clock;
  }

  /** Somebody has read it: `metadata` is undefined when it is not there. */
  saw(reference: InputReference, metadata: ObjectMeta | undefined): void {
    const id = idOf(reference);
    this.#seen.delete(id);
    this.#seen.set(id, { version: versionOf(metadata), at: this.#clock.monotonic() });
    for (const oldest of this.#seen.keys()) {
      if (this.#seen.size <= SIGHTINGS_MAX) break;
      this.#seen.delete(oldest);
    }
  }

  /**
   * Another text whenever one of them has changed, came or went. What was seen less than
   * `youngerThanMilliseconds` ago is not looked at again: backends share Secrets.
   */
  async versionOf(
    references: readonly InputReference[],
    youngerThanMilliseconds: number,
  ): Promise<string> {
    const versions = references.map(async (reference) => {
      const seen = this.#seen.get(idOf(reference));
      const age = seen ? this.#clock.monotonic() - seen.at : Number.POSITIVE_INFINITY;
      if (age >= youngerThanMilliseconds) await this.#look(reference);
      return this.#seen.get(idOf(reference))?.version ?? '';
    });
    return (await Promise.all(versions)).join();
  }

  async #look(reference: InputReference): Promise<void> {
    const client = this.#client;
    const metadata = await orForbidden(
      reference.kind === 'Secret'
        ? client.getMetadata(secrets, reference)
        : client.getMetadata(configMaps, reference),
    );
    this.saw(reference, metadata);
  }
}

/** What may not be read is as good as absent; any other trouble is the API server's. */
export async function orForbidden<T>(read: Promise<T>): Promise<T | undefined> {
  try {
    return await read;
  } catch (error) {
    if (error instanceof ApiError && error.status === 403) return undefined;
    throw error;
  }
}

function versionOf(metadata: ObjectMeta | undefined): string {
  return metadata ? `${metadata.uid}/${metadata.resourceVersion}` : 'absent';
}

function idOf({ kind, namespace, name }: InputReference): string {
  return `${kind}/${namespace}/${name}`;
}
