// What a claim's status tells its user: which instance and volume it is, what ran there, and the conditions.
import { removeCondition, setCondition } from '../api/conditions.ts';
import type { InstanceClaim, InstanceClaimStatus } from '../api/instance-claim.ts';
import type { Condition } from '../api/object.ts';
import type { PoolInstance } from '../api/pool-instance.ts';
import type { PoolVolume } from '../api/pool-volume.ts';
import { type ConditionType, type Reason, reasonOf } from '../api/reasons.ts';
import type { InstanceClaimSnapshot } from './instance-claim.ts';
import {
  judgeAttachment,
  judgeHooks,
  judgeLoss,
  judgePower,
  judgeReadyCheck,
} from './instance-claim-judgements.ts';

export function boundConditions(
  { claim, volume, pool, port, waitsFor }: InstanceClaimSnapshot,
  status: InstanceClaimStatus,
  instance: PoolInstance,
  now: number,
): Condition[] {
  const set = setter(claim, now);
  let conditions = set(
    status.conditions,
    'Bound',
    'True',
    'Bound',
    `bound to instance ${instance.metadata.name}`,
  );
  const attachment = judgeAttachment(claim, instance, volume, waitsFor);
  conditions = set(
    conditions,
    'VolumeAttached',
    attachment.status,
    attachment.reason,
    attachment.message,
  );
  const hooks = judgeHooks(pool, instance);
  conditions = set(conditions, 'HooksSucceeded', hooks.status, hooks.reason, hooks.message);
  const lost = judgeLoss(instance) ?? (hooks.reason === 'HookFailed' ? hooks : undefined);
  const steps = [
    judgePower(instance),
    attachment,
    hooks,
    judgeReadyCheck(claim, status, port, now),
  ];
  const ready = lost ?? steps.find(({ status }) => status !== 'True');
  if (ready) {
    conditions = set(conditions, 'Ready', 'False', ready.reason, ready.message);
    if (lost)
      return set(
        removeCondition(conditions, 'Reconciling'),
        'Stalled',
        'True',
        lost.reason,
        lost.message,
      );
    conditions = removeCondition(conditions, 'Stalled');
    return set(conditions, 'Reconciling', 'True', 'Progressing', ready.message);
  }
  const address = instance.status?.azure?.privateAddress;
  const message = `${instance.metadata.name} is yours${address ? ` at ${address}` : ''}`;
  conditions = removeCondition(removeCondition(conditions, 'Reconciling'), 'Stalled');
  return set(conditions, 'Ready', 'True', 'AsExpected', message);
}

/** Sets conditions for what this generation of the claim asks for. */
export function setter(claim: InstanceClaim, now: number) {
  const observedGeneration = claim.metadata.generation;
  return (
    conditions: Condition[],
    type: ConditionType,
    status: Condition['status'],
    reason: Reason,
    message: string,
  ): Condition[] =>
    setCondition(
      conditions,
      { type, status, reason: reasonOf(reason), message, observedGeneration },
      now,
    );
}

/** What ran in the instance for this claim, and not for one before it. */
export function commandsOf(
  claim: InstanceClaim,
  { status }: PoolInstance,
): InstanceClaimStatus['commands'] {
  return status?.hooks?.claimUid === claim.metadata.uid ? status.commands : [];
}

export function describeInstance(
  instance: PoolInstance,
): NonNullable<InstanceClaimStatus['instance']> {
  const azure = instance.status?.azure;
  return {
    name: instance.metadata.name,
    uid: instance.metadata.uid,
    resourceId: azure?.resourceId,
    address: azure?.privateAddress,
    zone: azure?.zone,
  };
}

export function describeVolume(
  volume: PoolVolume,
  instance: PoolInstance,
): NonNullable<InstanceClaimStatus['volume']> {
  const held = instance.status?.volumes.find(({ uid }) => uid === volume.metadata.uid);
  return {
    name: volume.metadata.name,
    uid: volume.metadata.uid,
    resourceId: volume.status?.azure?.resourceId,
    // Azure's own udev rules make this link for every data disk.
    ...(held ? { lun: held.lun, devicePath: `/dev/disk/azure/scsi1/lun${held.lun}` } : {}),
  };
}
