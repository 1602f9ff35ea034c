// Events, which two groups show in two forms: events.k8s.io/v1 and the older core form. They are
// kept in the core form, and what is written through one is read through the other.
import { asObject, asString, getPath, type JsonObject } from '../objects/json.ts';
import type { KubeObject } from '../objects/kube-object.ts';
import { cause } from '../objects/status-error.ts';
import { ageSince } from '../reads/age.ts';
import { nameColumn, pathColumn, textColumn } from './columns.ts';
import { defineResource } from './define.ts';
import { microTimeCause } from './micro-time.ts';
import type { Column, ResourceType, Strategy } from './resource-type.ts';
import { coreEventSchema, newEventSchema } from './schemas/cluster.ts';

/** Names of the same thing: core form first. */
const RENAMED: readonly (readonly [string, string])[] = [
  ['involvedObject', 'regarding'],
  ['message', 'note'],
  ['reportingComponent', 'reportingController'],
  ['source', 'deprecatedSource'],
  ['firstTimestamp', 'deprecatedFirstTimestamp'],
  ['lastTimestamp', 'deprecatedLastTimestamp'],
  ['count', 'deprecatedCount'],
];

function renamed(object: KubeObject, pairs: readonly (readonly [string, string])[]): JsonObject {
  const names = new Map(pairs);
  return Object.fromEntries(
    Object.entries(object).map(([key, value]) => [names.get(key) ?? key, value]),
  );
}

/** Times that an event lacks are null, not absent: `kubectl get events --sort-by=.lastTimestamp`. */
const withTimes = (stored: KubeObject): KubeObject => ({
  firstTimestamp: null,
  lastTimestamp: null,
  eventTime: null,
  ...stored,
});

export const toEventsForm = (stored: KubeObject): KubeObject =>
  ({ ...renamed(withTimes(stored), RENAMED), apiVersion: 'events.k8s.io/v1' }) as KubeObject;

export const toCoreForm = (event: KubeObject): KubeObject => {
  const reversed = RENAMED.map(([coreName, name]) => [name, coreName] as const);
  return { ...renamed(event, reversed), apiVersion: 'v1' } as KubeObject;
};

/** Runs on the core form, whichever group was written to. */
const strategy: Strategy = {
  validate(event, { old }) {
    const causes = [];
    const regarding = asObject(event['involvedObject']);
    const namespace = asString(regarding['namespace']) || 'default';
    if (!old && namespace !== event.metadata.namespace) {
      causes.push(
        cause.invalid(
          'involvedObject.namespace',
          regarding['namespace'] ?? '',
          'does not match event.namespace',
        ),
      );
    }
    const seriesTime = getPath(event, ['series', 'lastObservedTime']);
    causes.push(...microTimeCause('eventTime', event['eventTime']));
    causes.push(...microTimeCause('series.lastObservedTime', seriesTime));
    return causes;
  },
};

function newStyleRequirements(event: KubeObject): ReturnType<NonNullable<Strategy['validate']>> {
  const causes = [];
  for (const [field, shown] of [
    ['eventTime', 'eventTime'],
    ['reportingComponent', 'reportingController'],
    ['reportingInstance', 'reportingInstance'],
    ['action', 'action'],
    ['reason', 'reason'],
  ] as const) {
    if (!event[field]) causes.push(cause.required(shown));
  }
  if (event['type'] !== 'Normal' && event['type'] !== 'Warning') {
    causes.push(cause.invalid('type', event['type'] ?? '', 'has invalid value: '));
  }
  const note = asString(event['message']);
  if (note.length > 1024) {
    causes.push(cause.invalid('message', '', 'can have at most 1024 characters'));
  }
  return causes;
}

const lastSeen = (event: KubeObject, now: number): string => {
  const observed = getPath(event, ['series', 'lastObservedTime']);
  return ageSince(
    observed ?? event['lastTimestamp'] ?? event['eventTime'] ?? event.metadata.creationTimestamp,
    now,
  );
};

const firstSeen = (event: KubeObject, now: number): string =>
  ageSince(event['firstTimestamp'] ?? event['eventTime'], now);

function shownObject(event: KubeObject): string {
  const { kind, name } = asObject(event['involvedObject']);
  return `${asString(kind).toLowerCase()}/${asString(name)}`;
}

function source(event: KubeObject): string {
  const { component, host } = asObject(event['source']);
  const from = asString(component) || asString(event['reportingComponent']);
  return [from, asString(host)].filter(Boolean).join(', ');
}

const count = (event: KubeObject): unknown =>
  getPath(event, ['series', 'count']) ?? event['count'] ?? 1;

const columns: readonly Column[] = [
  { name: 'Last Seen', type: 'string', value: lastSeen },
  pathColumn('Type', 'type'),
  pathColumn('Reason', 'reason'),
  textColumn('Object', shownObject),
  pathColumn('Subobject', 'involvedObject.fieldPath', 1),
  textColumn('Source', source, 1),
  textColumn('Message', (event) => asString(event['message']).trim()),
  { name: 'First Seen', type: 'string', priority: 1, value: firstSeen },
  textColumn('Count', count, 1),
  { ...nameColumn, priority: 1 },
];

const involved = ['kind', 'namespace', 'name', 'uid', 'apiVersion', 'resourceVersion', 'fieldPath'];
const shared = { kind: 'Event', plural: 'events', namespaced: true, createOnUpdate: true };

export const coreEvents: ResourceType = defineResource({
  ...shared,
  group: '',
  version: 'v1',
  schema: coreEventSchema,
  shortNames: ['ev'],
  shelf: 'events',
  fromShelf: withTimes,
  strategy,
  columns,
  selectableFields: [
    ...involved.map((field) => `involvedObject.${field}`),
    'reason',
    'reportingComponent',
    'source',
    'type',
  ],
});

const onCoreForm = columns.map((column) => ({
  ...column,
  value: (event: KubeObject, now: number) => column.value(toCoreForm(event), now),
}));

export const newEvents: ResourceType = defineResource({
  ...shared,
  group: 'events.k8s.io',
  version: 'v1',
  schema: newEventSchema,
  shortNames: ['ev'],
  shelf: 'events',
  strategy: {
    validate(event, context) {
      const core = toCoreForm(event);
      const required = context.old ? [] : newStyleRequirements(core);
      return [...required, ...(strategy.validate?.(core, context) ?? [])];
    },
  },
  columns: onCoreForm,
  selectableFields: [
    ...involved.map((field) => `regarding.${field}`),
    'reason',
    'reportingController',
    'type',
  ],
  fromShelf: toEventsForm,
  toShelf: toCoreForm,
});
