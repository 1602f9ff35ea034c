// The life of a pooled VM.
import type { PoolInstancePhase } from '../pool-instance.ts';
import { type StateTable, transitions } from './state-table.ts';

export const poolInstanceStates: StateTable<PoolInstancePhase> = {
  kind: 'PoolInstance',
  stem: 'pool-instance',
  intro:
    'One VM of an InstancePool. The record is written before the VM is asked for and goes after it. ' +
    'The tag `poolkeeper:status` follows: creating, free, connected (claimed), releasing, deleting, quarantined.',
  first: 'Pending',
  phases: {
    Pending: 'Recorded; Azure was not asked yet, or may not be asked: the condition says why.',
    Creating: 'On its way into the warm state that the pool asks for.',
    Free: "Verified in its warm state, and nobody's. The only phase in which it can be bound.",
    Claimed: 'Bound to a claim; its disks are made those of the claim, hooks run.',
    Releasing: 'Its claim is over: the hook runs, disks are detached, and that is proven.',
    Deleting: 'The record is retired; the VM and what outlives it are deleted.',
    Failed: 'Unfit; its pool retires it and makes another.',
    Quarantined:
      'Set aside: nothing proves that it is clean, or its release keeps failing. Never handed out.',
  },
  transitions: transitions<PoolInstancePhase>({
    Pending: {
      Creating: 'Azure is asked for the VM',
      Free: 'a restarted operator finds it made',
      Claimed: 'found without a record, bound to a claim',
      Quarantined: 'found without a record, its state unproven',
      Releasing: 'found without a record, its claim over',
      Failed: 'Azure refuses it for good',
      Deleting: 'the record is retired',
      gone: 'the record is retired before anything was made',
    },
    Creating: {
      Free: 'it is in its warm state',
      Failed: 'Azure fails it, or it is not ours',
      Releasing: 'bound in the very moment it left its warm state, and released',
      Deleting: 'the record is retired',
      gone: 'the record is retired, and nothing came of it',
    },
    Free: {
      Claimed: 'bound to a claim',
      Creating: 'switched on or off by somebody: it waits as the pool asks again',
      Releasing: 'bound and released before anybody looked',
      Failed: 'it disappeared, failed in Azure, or was evicted',
      Deleting: 'the record is retired',
      gone: 'the record is retired, and the VM was gone already',
    },
    Claimed: {
      Releasing: 'its claim is over, or its pool lets go of it',
      gone: 'its record is deleted, and the VM was gone already',
    },
    Releasing: {
      Free: 'recyclePolicy is Reuse',
      Deleting: 'recyclePolicy is Replace',
      Quarantined: 'its release failed five times; it goes on all the same',
      Failed: 'it disappeared meanwhile',
      gone: 'its pool lets go of it: the VM stays',
    },
    Failed: {
      Releasing: 'its claim is over',
      Deleting: 'its pool retires it',
      gone: 'the record is retired, and the VM was gone already',
    },
    Quarantined: {
      Claimed: 'its own claim takes it back',
      Releasing: 'its release works after all, or its pool lets go of it',
      Deleting: 'its pool retires it',
      gone: 'the record is retired, and the VM was gone already',
    },
    Deleting: { gone: 'nothing is left in Azure', Releasing: 'its claim is over' },
  }),
};
