// What keeps an iSCSI target from being used, and what to do about it.
import type { ProbeFailure } from './probe-observation.ts';
import { type Meaning, TROUBLED, WRONG } from './storage-backend-failures.ts';

const SECRET = 'the Secret that spec.credentialsSecretRef names';

const MEANINGS: Readonly<Record<string, Meaning>> = {
  NotIscsi: {
    ...WRONG,
    reason: 'UnexpectedAnswer',
    advice: 'is that an iSCSI portal? Check spec.iscsi.portal',
  },
  ChapWanted: {
    ...WRONG,
    reason: 'AuthenticationFailed',
    advice: 'set spec.iscsi.authentication to CHAP, and spec.credentialsSecretRef',
  },
  ChapRefused: {
    ...WRONG,
    reason: 'AuthenticationFailed',
    advice: `check username and password in ${SECRET}, and that the target has such an account`,
  },
  ChapNotOffered: {
    ...WRONG,
    reason: 'AuthenticationFailed',
    advice: 'the target does not do CHAP: set it up there, or spec.iscsi.authentication to None',
  },
  MutualChapNotOffered: {
    ...WRONG,
    reason: 'AuthenticationFailed',
    advice:
      'the target does not prove itself: set up mutual CHAP there, or spec.iscsi.authentication ' +
      'to CHAP',
  },
  TargetNotTrusted: {
    ...WRONG,
    reason: 'AuthenticationFailed',
    advice: `the target's proof is wrong: check mutualUsername and mutualPassword in ${SECRET}`,
  },
  InitiatorRefused: {
    ...WRONG,
    reason: 'AuthenticationFailed',
    advice: "add the node's initiator name to the target's access list",
  },
  NoSuchTarget: {
    ...WRONG,
    reason: 'NotExported',
    advice: 'check spec.iscsi.target, and whether the target admits this initiator',
  },
  TargetMoved: {
    ...WRONG,
    reason: 'UnexpectedAnswer',
    advice: 'set spec.iscsi.portal to where the target is',
  },
  NoSuchLun: {
    ...WRONG,
    reason: 'NotExported',
    advice: 'check spec.iscsi.lun and the units that the target has',
  },
  LunNotReady: { ...TROUBLED, reason: 'UnexpectedAnswer' },
  TargetInTrouble: { ...TROUBLED, reason: 'UnexpectedAnswer' },
};

export function iscsiFailure({ code }: ProbeFailure): Meaning {
  const known = Object.hasOwn(MEANINGS, code) ? MEANINGS[code] : undefined;
  return known ?? { ...TROUBLED, reachable: 'False', reason: 'UnexpectedAnswer' };
}
