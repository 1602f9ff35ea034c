// Finds in the source every call on the Kubernetes API: who makes it, on what, with which verb.
// It reads text, not types: calls have few forms here, and one it does not understand is an error.
import { readFileSync } from 'node:fs';
import * as builtIns from '../../src/api/built-in.ts';
import * as kinds from '../../src/api/resources.ts';
import { isTest, type SourceFile, sourceFiles } from '../structure/source-tree.ts';

export type Component = 'agent' | 'controller';

export interface ApiCall {
  readonly component: Component;
  readonly verb: string;
  readonly group: string;
  /** With its subresource. */
  readonly resource: string;
  /** `src/agent/heartbeat.ts:39` */
  readonly place: string;
}

interface Descriptor {
  readonly group: string;
  readonly plural: string;
}

const descriptors = new Map<string, Descriptor>(
  Object.entries({ ...builtIns, ...kinds }).filter(
    (entry): entry is [string, Descriptor & (typeof entry)[1]] =>
      typeof entry[1] === 'object' && entry[1] !== null && 'plural' in entry[1],
  ),
);

const VERBS: Readonly<Record<string, readonly string[]>> = {
  get: ['get'],
  getMetadata: ['get'],
  list: ['list'],
  create: ['create'],
  mergePatch: ['patch'],
  jsonPatch: ['patch'],
  apply: ['patch', 'create'],
  delete: ['delete'],
};

/** `client.mergePatch(nodeMounts,` however it is broken into lines. */
const METHOD_CALL =
  /\bclient\s*\.\s*(getMetadata|get|list|create|mergePatch|jsonPatch|apply|delete)(?:<[^>(]*>)?\(\s*([\w.]+)/g;
const STATUS_CALL = /\b(?:writeStatus|mergeStatus)\(\s*[\w.#]*client,\s*([\w.]+)/g;
const CACHE = /\bcaches\s*\.\s*add\(\s*([\w.]+)/g;
const RAW_POST = /\bclient\s*\.\s*post(?:<[^>(]*>)?\(\s*([\w.'"/$]+)/g;

/** Calls whose resource is an argument: by file, the resources that callers pass. */
const PASSED_ON: Readonly<Record<string, readonly string[]>> = {
  'src/controllers/pool-steps.ts effects.poolResource': ['instancePools', 'volumePools'],
  'src/controllers/pool-steps.ts effects.memberResource': ['poolInstances', 'poolVolumes'],
  'src/controllers/discovery/adopt.ts resource': ['poolInstances', 'poolVolumes'],
  'src/controllers/member-reconcile.ts resource': ['poolInstances', 'poolVolumes'],
  'src/controllers/orphan.ts resource': ['poolInstances', 'poolVolumes'],
  'src/controllers/watched-namespaces.ts resource': ['poolInstances', 'poolVolumes'],
  'src/controllers/write-status.ts resource': [],
  'src/kube/status-write.ts resource': [],
};

/** What is only ever created, by the name of the constant with its path. */
const REVIEWS: Readonly<Record<string, { readonly group: string; readonly resource: string }>> = {
  TOKEN_REVIEWS: { group: 'authentication.k8s.io', resource: 'tokenreviews' },
};

const COMPONENTS: readonly (readonly [RegExp, readonly Component[]])[] = [
  [/^src\/agent\//, ['agent']],
  [/^src\/controllers\//, ['controller']],
  [/^src\/cli\/(operator|controller)/, ['controller']],
  [/^src\/kube\/lease-store/, ['controller']],
  [/^src\/kube\/events/, ['agent', 'controller']],
  [/^src\/kube\//, []],
];

export function apiCalls(): ApiCall[] {
  return sourceFiles('src')
    .filter(({ path }) => !isTest(path))
    .flatMap((file) => {
      const components = COMPONENTS.find(([pattern]) => pattern.test(file.path))?.[1] ?? [];
      return components.flatMap((component) => callsIn(file, component));
    });
}

function callsIn(file: SourceFile, component: Component): ApiCall[] {
  if (file.path === 'src/kube/lease-store.ts') return leaseStoreCalls(file, component);
  const found: ApiCall[] = [];
  const add = (verbs: readonly string[], name: string, index: number, subresource = ''): void => {
    const place = `${file.path}:${file.text.slice(0, index).split('\n').length}`;
    for (const { group, plural } of named(file, name, place)) {
      const resource = `${plural}${subresource}`;
      for (const verb of verbs) found.push({ component, verb, group, resource, place });
    }
  };
  for (const match of file.text.matchAll(METHOD_CALL)) {
    const written = argumentsAt(file.text, match.index);
    // The options may have a name of their own, given just before.
    const before = file.text.slice(Math.max(0, match.index - 300), match.index);
    const said = /\boptions\b/.test(written) ? before + written : written;
    const isStatus = /subresource:\s*'status'/.test(said);
    add(VERBS[match[1]!]!, match[2]!, match.index, isStatus ? '/status' : '');
  }
  for (const match of file.text.matchAll(STATUS_CALL)) {
    add(['patch'], match[1]!, match.index, '/status');
    // When its object has changed, it looks whether that is still the same one.
    add(['get'], match[1]!, match.index);
  }
  for (const match of file.text.matchAll(CACHE)) add(['list', 'watch'], match[1]!, match.index);
  for (const match of file.text.matchAll(RAW_POST)) {
    const review = REVIEWS[match[1]!];
    if (!review) throw new Error(`${file.path}: post(${match[1]}): add it to REVIEWS in calls.ts`);
    found.push({ component, verb: 'create', ...review, place: file.path });
  }
  return found;
}

function named(file: SourceFile, name: string, place: string): Descriptor[] {
  const descriptor = descriptors.get(name);
  if (descriptor) return [descriptor];
  const passed = PASSED_ON[`${file.path} ${name}`];
  if (passed) return passed.map((one) => descriptors.get(one)!);
  throw new Error(
    `${place}: which resource is ${name}? Add it to PASSED_ON in test/chart/calls.ts`,
  );
}

/** The text from the opening parenthesis of a call to its end. */
function argumentsAt(text: string, index: number): string {
  const start = text.indexOf('(', index);
  let depth = 0;
  for (let at = start; at < text.length; at++) {
    if (text[at] === '(') depth++;
    if (text[at] === ')' && --depth === 0) return text.slice(start, at + 1);
  }
  return text.slice(start);
}

/** It speaks HTTP itself, on a connection of its own. */
function leaseStoreCalls(file: SourceFile, component: Component): ApiCall[] {
  const verbs: Readonly<Record<string, string>> = { GET: 'get', POST: 'create', PUT: 'update' };
  const { group, plural: resource } = descriptors.get('leases')!;
  return [...file.text.matchAll(/method: '(\w+)'/g)].map(([, method]) => {
    const verb = verbs[method!];
    if (!verb) throw new Error(`${file.path}: ${method}: teach test/chart/calls.ts about it`);
    return { component, verb, group, resource, place: file.path };
  });
}

export function readRepositoryFile(path: string): string {
  return readFileSync(new URL(`../../${path}`, import.meta.url), 'utf8');
}
