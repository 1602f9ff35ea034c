// The examples folder as `npm start` uses it: what to apply, and what must become Ready.
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseAllDocuments } from 'yaml';
import { namespaces, secrets } from '../api/built-in.ts';
import { isTrue } from '../api/conditions.ts';
import type { AnyObject, Condition, Resource } from '../api/object.ts';
import {
  instanceClaims,
  instancePools,
  storageBackends,
  storagePools,
  volumePools,
} from '../api/resources.ts';
import { type Draft, isAlreadyExists, type KubeClient } from '../kube/index.ts';

type WithStatus = AnyObject & { status?: { conditions?: Condition[]; phase?: string } };

export interface Example {
  readonly resource: Resource<AnyObject>;
  readonly object: WithStatus;
  readonly story: string;
}

const RESOURCES: readonly Resource<AnyObject>[] = [
  namespaces,
  secrets,
  volumePools,
  instancePools,
  storagePools,
  storageBackends,
  instanceClaims,
] as Resource<AnyObject>[];

const FOLDER = fileURLToPath(new URL('../../examples/', import.meta.url));

/** All manifests, in the order in which they can be applied: what is referred to comes first. */
export function readExamples(folder: string = FOLDER): Example[] {
  if (!existsSync(folder)) return [];
  const stories = readdirSync(folder, { withFileTypes: true }).filter((entry) =>
    entry.isDirectory(),
  );
  const examples = stories.flatMap(({ name: story }) =>
    readdirSync(join(folder, story))
      .filter((file) => file.endsWith('.yaml'))
      .flatMap((file) => parseAllDocuments(readFileSync(join(folder, story, file), 'utf8')))
      .map((document) => ({ story, object: document.toJS() as WithStatus })),
  );
  return examples
    .map(({ story, object }) => {
      const resource = RESOURCES.find(({ kind }) => kind === object.kind);
      if (!resource) throw new Error(`example ${story}: no kind ${object.kind}`);
      return { story, object, resource };
    })
    .sort((a, b) => RESOURCES.indexOf(a.resource) - RESOURCES.indexOf(b.resource));
}

/** What a user changed since an earlier start stays as it is. */
export async function applyExamples(
  client: KubeClient,
  examples: readonly Example[],
): Promise<void> {
  for (const { resource, object } of examples) {
    await createIfAbsent(client, resource, object as Draft<AnyObject>);
  }
}

export async function createIfAbsent<T extends AnyObject>(
  client: KubeClient,
  resource: Resource<T>,
  object: Draft<T>,
): Promise<void> {
  await client
    .create(resource, object, { fieldManager: 'poolkeeper-examples' })
    .catch((error: unknown) => {
      if (!isAlreadyExists(error)) throw error;
    });
}

export interface Readiness {
  /** `InstanceClaim development/alice-box`. */
  readonly name: string;
  readonly ready: boolean;
  /** The Ready condition's message, or that there is none yet. */
  readonly message: string;
  /** It says itself that it will not get there without somebody's help. */
  readonly stalled: boolean;
}

/** Nothing is ever to become of these. */
const STILL: ReadonlySet<string> = new Set(['Namespace', 'Secret']);

/** How far each example is. What has no Ready condition is left out. */
export async function readReadiness(
  client: KubeClient,
  examples: readonly Example[],
): Promise<Readiness[]> {
  const judged = examples.filter(({ resource }) => !STILL.has(resource.kind));
  return Promise.all(
    judged.map(async ({ resource, object }) => {
      const { namespace, name } = object.metadata;
      const live = (await client.get(resource, { namespace, name })) as WithStatus | undefined;
      const conditions = live?.status?.conditions;
      const ready = conditions?.find(({ type }) => type === 'Ready');
      return {
        name: `${resource.kind} ${namespace}/${name}`,
        ready: ready?.status === 'True',
        message: live ? (ready?.message ?? 'not looked at yet') : 'was deleted',
        stalled: isTrue(conditions, 'Stalled'),
      };
    }),
  );
}
