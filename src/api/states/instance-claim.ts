// The life of a claim.
import type { InstanceClaimStatus } from '../instance-claim.ts';
import { type StateTable, transitions } from './state-table.ts';

type Phase = NonNullable<InstanceClaimStatus['phase']>;

export const instanceClaimStates: StateTable<Phase> = {
  kind: 'InstanceClaim',
  stem: 'instance-claim',
  intro:
    'What a user asks for. The binding itself is the `claimRef` in the specs of the instance and the volume; ' +
    'the phase only tells about it.',
  first: 'Pending',
  phases: {
    Pending: 'Nothing is bound yet; the condition says what it waits for.',
    Bound: 'An instance is its own, for good; disk, power, hook or port are still to come.',
    Ready: 'All that it asked for is there.',
    Releasing: 'It is over: deleted, or its ttl has passed; what it owns is let go of.',
    Failed: 'It ended: its ttl has passed, its machine is lost, or its pool let go of the machine.',
  },
  transitions: transitions<Phase>({
    Pending: {
      Bound: 'an instance is bound',
      Ready: 'an instance is bound that needs nothing more',
      Releasing: 'it is deleted',
      Failed: 'the record of its instance is gone, or its pool let go of the machine',
    },
    Bound: {
      Ready: 'disk, power, hook and port are as it asked',
      Releasing: 'it is deleted, or its ttl has passed',
      Failed: 'the record of its instance is gone, or its pool let go of the machine',
    },
    Ready: {
      Bound: 'something is missing again, such as a machine that was evicted',
      Releasing: 'it is deleted, or its ttl has passed',
      Failed: 'the record of its instance is gone, or its pool let go of the machine',
    },
    Releasing: {
      Failed: 'its ttl has passed and nothing is left of it',
      gone: 'it was deleted and nothing is left of it',
    },
    Failed: {
      Bound: 'its instance was found again',
      Ready: 'its instance was found again, with all that it asked for',
      Releasing: 'it is deleted, or its ttl has passed',
      gone: 'it was deleted and nothing is left of it',
    },
  }),
};
