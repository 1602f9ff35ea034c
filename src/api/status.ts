// The pieces that statuses are made of. Every list has a maximum, so that no status can grow until
// the API server refuses it.
import * as z from 'zod';
import { conditionMessageLength } from './conditions.ts';
import { keyedList, withKubernetesKeys } from './rules.ts';
import { integer, nonEmptyText, objectName, objectUid, text, time } from './text.ts';

/** metav1.Condition with its exact limits. */
export const condition = z.object({
  type: z
    .string()
    .max(316)
    .regex(
      /^([a-z0-9]([-a-z0-9]*[a-z0-9])?(\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*\/)?(([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9])$/,
    )
    .describe('What is judged, in CamelCase.'),
  status: z.enum(['True', 'False', 'Unknown']).describe('The judgement.'),
  observedGeneration: z
    .int()
    .min(0)
    .describe('The metadata.generation that was judged; older than the object means out of date.')
    .optional(),
  lastTransitionTime: time().describe('When status last changed.'),
  reason: z
    .string()
    .min(1)
    .max(1024)
    .regex(/^[A-Za-z]([A-Za-z0-9_,:]*[A-Za-z0-9_])?$/)
    .describe('A stable word for programs; docs/reference/reasons.md explains each.'),
  message: z.string().max(conditionMessageLength).describe('A sentence for people.'),
});

export const conditionsMaximum = 16;

/** The fields that every status begins with. */
export const observed = {
  observedGeneration: z
    .int()
    .min(0)
    .describe('The metadata.generation that this status answers.')
    .optional(),
  conditions: keyedList(z.array(condition).max(conditionsMaximum), 'type')
    .describe('What is true of the object, each judged on its own; Ready sums up.')
    .default([]),
};

/** How many members are in a state. */
export function memberCount(description: string) {
  return z.int().min(0).describe(description).default(0);
}

export const recentActionsMaximum = 20;

export const recentActions = z
  .array(
    z.object({
      time: time().describe('When it was decided.'),
      action: nonEmptyText(64).describe('What was done, in CamelCase, such as `Create`.'),
      because: text(512).describe('Why, with the numbers that led to it.'),
      object: text(253).describe('The name of the member it was done to.').optional(),
    }),
  )
  .max(recentActionsMaximum)
  .describe(`What the controller did last and why, newest first; ${recentActionsMaximum} at most.`)
  .default([]);

export type RecentAction = z.output<typeof recentActions>[number];

export const historyMaximum = 10;

export const history = z
  .array(
    z.object({
      time: time().describe('When the phase changed.'),
      from: text(64).describe('The former phase; empty for the first.'),
      to: nonEmptyText(64).describe('The new phase.'),
      because: text(512).describe('Why.'),
    }),
  )
  .max(historyMaximum)
  .describe(`The last changes of phase, newest first; ${historyMaximum} at most.`)
  .default([]);

export type HistoryEntry = z.output<typeof history>[number];

/** A long-running operation in Azure that a restarted controller can pick up again. */
export const operation = z.object({
  type: z
    .enum([
      'Create',
      'Delete',
      'Attach',
      'Detach',
      'Start',
      'PowerOff',
      'Deallocate',
      'Hibernate',
      'RunCommand',
    ])
    .describe('What Azure was asked to do.'),
  url: text(8192).describe("Azure's operation URL, polled until it ends; empty when it gave none."),
  startedAt: time().describe('When Azure accepted it.'),
  subject: text(512)
    .describe('What else it concerns: the disk that is attached, the hook that runs.')
    .optional(),
});

export type OperationRecord = z.output<typeof operation>;

export const lastError = z.object({
  code: nonEmptyText(128).describe(
    "The error's stable code, Azure's own where it came from Azure.",
  ),
  message: text(4096).describe("The error's words."),
  time: time().describe('When it last happened.'),
});

export type LastError = z.output<typeof lastError>;

/** Creations of a pool that failed one after another; reset by the next that succeeds. */
export const creationFailures = z.object({
  count: z.int().min(1).describe('How many rounds of creations failed since the last success.'),
  lastError: lastError.describe('The latest failure.'),
  nextAttemptTime: time().describe('When the next member is created at the earliest.'),
});

export type CreationFailures = z.output<typeof creationFailures>;

export const progress = z.object({
  step: nonEmptyText(128).describe('The step under way.'),
  percent: integer(0, 100)
    .describe('How much of the step is done, where that is known.')
    .optional(),
  message: text(1024).describe('The same for people, with speed and time left where known.'),
});

export type Progress = z.output<typeof progress>;

/** Half of one reference merged with half of another would name nothing: replaced whole. */
function reference<Schema extends z.ZodObject>(schema: Schema): Schema {
  return withKubernetesKeys(schema, { 'x-kubernetes-map-type': 'atomic' });
}

/** A claim, as the resource it owns names it. */
export const claimReference = reference(
  z.object({
    namespace: text(63).describe("The claim's namespace."),
    name: objectName().describe("The claim's name."),
    uid: objectUid().describe(
      "The claim's uid: a claim made again under the same name is another.",
    ),
  }),
);

export type ClaimReference = z.output<typeof claimReference>;

/** A reference to an object in the same namespace that names exactly that one. */
export const uidReference = reference(
  z.object({
    name: objectName().describe('Its name.'),
    uid: objectUid().describe('Its uid.'),
  }),
);

export type UidReference = z.output<typeof uidReference>;

/** A reference to an object in the same namespace. */
export function nameReference(what: string) {
  return reference(
    z.object({ name: objectName().describe(`The name of ${what} in the same namespace.`) }),
  );
}
