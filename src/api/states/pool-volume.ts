// The life of a pooled disk.
import type { PoolVolumePhase } from '../pool-volume.ts';
import { type StateTable, transitions } from './state-table.ts';

const RETIRED = 'the record is retired';
const NOTHING_LEFT = 'the record is retired, and there is no disk';

export const poolVolumeStates: StateTable<PoolVolumePhase> = {
  kind: 'PoolVolume',
  stem: 'pool-volume',
  intro:
    "One disk of a VolumePool. Its instance attaches and detaches it, and proves it; the disk's own record " +
    'follows. The tag `poolkeeper:status` says creating, free, attached, retained or quarantined.',
  first: 'Pending',
  phases: {
    Pending: 'Recorded; Azure was not asked yet, or may not be asked: the condition says why.',
    Creating: 'Azure copies the golden snapshot.',
    Free: 'Ready, and never used.',
    Attaching: 'An instance is to hold it.',
    Attached: 'An instance holds it: for its claim, or ahead of time.',
    Detaching: 'Let go of; Azure is detaching it, or its pool lets go of it.',
    Retained: 'Released and kept with its bytes, until a claim names it or its record is deleted.',
    Deleting: 'The record is retired; the disk is deleted once it is seen to be unused.',
    Failed: 'Unfit or gone; its pool retires it.',
    Quarantined: 'Set aside: nothing proves that it is clean or ours. Never handed out.',
  },
  transitions: transitions<PoolVolumePhase>({
    Pending: {
      Creating: 'Azure is asked for the disk',
      Free: 'a restarted operator finds it made',
      Attaching: 'found without a record, held by an instance',
      Retained: 'found without a record, kept for a claim that is over',
      Quarantined: 'found without a record, its state unproven',
      Failed: 'Azure refuses it for good',
      Deleting: RETIRED,
      gone: NOTHING_LEFT,
    },
    Creating: {
      Free: 'Azure has made it',
      Failed: 'Azure fails it, or it is not ours',
      Deleting: RETIRED,
      gone: NOTHING_LEFT,
    },
    Free: {
      Attaching: 'an instance is to hold it',
      Attached: 'an instance was faster to prove it than anybody to look',
      Retained: 'bound and released before it was attached',
      Detaching: 'its pool lets go of it, or its record was deleted while it was claimed',
      Quarantined: 'somebody else attached it',
      Failed: 'it disappeared or failed in Azure',
      Deleting: RETIRED,
      gone: NOTHING_LEFT,
    },
    Attaching: {
      Attached: 'its instance proves it',
      Detaching: 'let go of before it was attached',
      Free: 'let go of, never used',
      Retained: 'let go of, used',
      Failed: 'it disappeared',
      Deleting: RETIRED,
      gone: NOTHING_LEFT,
    },
    Attached: {
      Detaching: 'its instance lets go of it, or its pool does',
      Free: 'detached, never used',
      Retained: 'detached, used; a reclaimPolicy other than Retain retires it then',
      Failed: 'it disappeared',
      Deleting: RETIRED,
      gone: NOTHING_LEFT,
    },
    Detaching: {
      Free: 'detached, never used',
      Retained: 'detached, used',
      Attaching: 'an instance is to hold it after all',
      Attached: 'an instance holds it after all',
      Failed: 'it disappeared',
      Deleting: RETIRED,
      gone: 'its record goes and the disk stays',
    },
    Retained: {
      Attaching: 'a claim names it',
      Attached: 'a claim named it, and its instance was faster',
      Detaching: 'its pool lets go of it',
      Quarantined: 'somebody else attached it',
      Failed: 'it disappeared',
      Deleting: 'reclaimPolicy, or somebody deletes its record: the bytes go',
      gone: 'its pool or namespace goes: the disk stays',
    },
    Failed: {
      Detaching: 'its pool lets go of it',
      Deleting: 'its pool retires it',
      gone: 'nothing is left of it',
    },
    Quarantined: {
      Attaching: 'its own claim takes it back',
      Detaching: 'its pool lets go of it',
      Deleting: 'its pool retires it',
    },
    Deleting: { gone: 'nothing is left in Azure' },
  }),
};
