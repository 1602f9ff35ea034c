// What the members of both warm pools share: whose they are, to whom they are bound, what Azure
// says of them. The binding is in the spec, because that is the only authority for it.
import * as z from 'zod';
import { memberScope } from './azure-scope.ts';
import type { Rule } from './rules.ts';
import { membersMaximum } from './scaling.ts';
import { claimReference, history, lastError, observed, operation, uidReference } from './status.ts';
import { integer, nonEmptyText, objectUid, text, time } from './text.ts';

/** Present in the spec of every member. */
export const memberSpec = {
  poolRef: uidReference.describe('The pool it belongs to.'),
  ordinal: integer(0, membersMaximum - 1).describe(
    'The slot it fills in the pool; its name is `<pool>-<ordinal>`.',
  ),
  azure: memberScope.describe('Where in Azure it is.'),
  claimRef: claimReference
    .describe(
      'The claim that owns it: the one authority for the binding. Set only where it is ' +
        'absent, cleared only by the release of that claim.',
    )
    .optional(),
  lastClaimRef: claimReference
    .describe(
      'The claim that owned it last, written in the same write that clears claimRef. A ' +
        'member with it has been used and is never handed out as a fresh one.',
    )
    .optional(),
  orphan: z
    .object({
      from: text(256).describe('The installation, namespace and pool that let go of it.'),
      time: time().describe('When.'),
    })
    .describe(
      'Set once the pool is deleted with deletionPolicy Orphan while the member is in use: its ' +
        'resource stays in Azure without our tags, and this record goes without touching it.',
    )
    .optional(),
  adopt: z
    .object({
      name: nonEmptyText(128).describe('The name that it has in Azure.'),
      resourceId: text(512).describe('Its ARM id.'),
      uid: objectUid()
        .describe(
          'The uid of its former record, which its tags carry until this one has rewritten ' +
            'them; claims that know it by that uid still find it.',
        )
        .optional(),
      quarantine: text(512)
        .describe('Why nothing proves its state: it is set aside and never handed out as free.')
        .optional(),
    })
    .describe(
      'The resource that this record was made for after it was found without one; left ' +
        'out, the name in Azure derives from metadata.uid.',
    )
    .optional(),
};

/** A binding may appear and disappear, never pass from one claim to another. */
export const bindingRule: Rule = {
  rule:
    '!has(self.claimRef) || !has(oldSelf.claimRef) || self.claimRef.uid == ' +
    'oldSelf.claimRef.uid',
  message: 'spec.claimRef cannot pass from one claim to another: release it first',
  fieldPath: '.claimRef',
  reason: 'FieldValueForbidden',
};

/** What Azure says of any resource. */
export const cloudResource = {
  name: nonEmptyText(128).describe('The name in Azure.'),
  resourceId: text(512).describe('The ARM id.'),
  uniqueId: text(128)
    .describe("Azure's own id of this very resource: another one of the same name has another.")
    .optional(),
  provisioningState: text(64)
    .describe('Creating, Updating, Succeeded, Failed or Deleting, as last seen.')
    .optional(),
  zone: text(16).describe('The availability zone; absent when regional.').optional(),
};

/** Present in the status of every member, besides its phase. */
export const memberStatus = {
  ...observed,
  operation: operation
    .describe('The operation under way in Azure; a restarted controller goes on with it.')
    .optional(),
  attempts: z
    .int()
    .min(0)
    .describe('Failed attempts at the present step; each makes the next wait longer.')
    .default(0),
  nextAttemptTime: time().describe('When the step is tried again.').optional(),
  lastError: lastError.describe('The error of the last failed attempt.').optional(),
  createdAt: time().describe('When Azure finished making it.').optional(),
  freeSince: time()
    .describe('When it last became free; the oldest is handed out first.')
    .optional(),
  claimedAt: time().describe('When it was bound to its claim.').optional(),
  releasedAt: time().describe('When its claim was released.').optional(),
  history,
};
