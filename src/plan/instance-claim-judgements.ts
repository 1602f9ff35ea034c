// What stands between a claim and Ready, each part judged for itself: the disk, the power, the hook, the
// port, and whether the machine is still there at all.

import { timestamp } from '../api/conditions.ts';
import { parseDuration } from '../api/duration.ts';
import type { InstanceClaim, InstanceClaimStatus } from '../api/instance-claim.ts';
import type { InstancePool } from '../api/instance-pool.ts';
import type { Condition } from '../api/object.ts';
import type { PoolInstance } from '../api/pool-instance.ts';
import type { PoolVolume } from '../api/pool-volume.ts';
import type { Reason } from '../api/reasons.ts';
import { reasonOfError } from './azure-reasons.ts';
import { hookState } from './hooks.ts';
import type { InstanceClaimSnapshot } from './instance-claim.ts';

/** Whether the port of spec.ready answers; `unread` where that is not asked. */
export type PortSeen = 'open' | 'closed' | 'unread';

export interface Judgement {
  readonly status: Condition['status'];
  readonly reason: Reason;
  readonly message: string;
}

export function judgeAttachment(
  claim: InstanceClaim,
  instance: PoolInstance,
  volume: PoolVolume | undefined,
  /** Why there is no volume, where that is known. */
  lack?: InstanceClaimSnapshot['waitsFor'],
): Judgement {
  const attached = instance.status?.volumes ?? [];
  const asked = claim.spec.volume;
  // Destroyed between the two bindings: it won't come back, whatever is still done on the machine.
  if (!volume && !claim.status?.volume && asked?.type === 'Existing' && isForGood(lack)) {
    const message = `${lack?.message}; delete the claim and claim again`;
    return { status: 'False', reason: 'VolumeNotFound', message };
  }
  const others = attached.filter(({ uid, orphaned }) => uid !== volume?.metadata.uid && !orphaned);
  if (others.length > 0) {
    const message = `Azure is detaching ${others.map(({ name }) => name).join(', ')}`;
    return { status: 'False', reason: 'AttachingVolume', message };
  }
  if (!asked)
    return { status: 'True', reason: 'NoVolumeRequested', message: 'no volume was asked for' };
  const told = claim.status?.volume;
  if (!volume && attached.some(({ uid, orphaned }) => orphaned && uid === told?.uid)) {
    const message = `the pool of ${told?.name} was deleted with deletionPolicy Orphan: the disk stays attached while the claim lasts, and in Azure after that`;
    return { status: 'True', reason: 'VolumeOrphaned', message };
  }
  if (!volume && claim.status?.volume) {
    const message = `the record of volume ${claim.status.volume.name} is gone; delete the claim and claim again`;
    return { status: 'False', reason: 'VolumeNotFound', message };
  }
  if (!volume) {
    const message = 'the instance is bound; its volume is not yet';
    if (!lack?.message) return { status: 'False', reason: 'VolumePoolExhausted', message };
    return { status: 'False', reason: lack.reason, message: `${message}: ${lack.message}` };
  }
  const held = instance.status?.volumes.find(({ uid }) => uid === volume.metadata.uid);
  if (held) {
    return {
      status: 'True',
      reason: 'VolumeAttached',
      message: `${volume.metadata.name} is attached at LUN ${held.lun}`,
    };
  }
  const { lastError, attempts } = instance.status ?? {};
  if (lastError && attempts) {
    const message = `attempt ${attempts} to attach ${volume.metadata.name} failed: ${lastError.code}: ${lastError.message}`;
    return { status: 'False', reason: 'AttachFailed', message };
  }
  return {
    status: 'False',
    reason: 'AttachingVolume',
    message: `Azure is attaching ${volume.metadata.name}`,
  };
}

function isForGood(lack: InstanceClaimSnapshot['waitsFor'] | undefined): boolean {
  return lack?.reason === 'VolumeNotFound';
}

/** A machine that waited switched off is no use before it runs. */
export function judgePower({ metadata, status }: PoolInstance): Judgement {
  const power = status?.azure?.powerState;
  if (power === 'running') return { status: 'True', reason: 'AsExpected', message: '' };
  const { lastError, attempts } = status ?? {};
  if (lastError && attempts) {
    const message = `${metadata.name} is being started: ${lastError.code}: ${lastError.message}`;
    return { status: 'False', reason: reasonOfError(lastError), message };
  }
  return { status: 'False', reason: 'Progressing', message: `${metadata.name} is being started` };
}

/** Asked only until it first succeeds: from then on the machine is the user's to run. */
export function judgeReadyCheck(
  { spec: { ready } }: InstanceClaim,
  { readyAt, boundAt }: InstanceClaimStatus,
  port: PortSeen,
  now: number,
): Judgement {
  if (!ready || readyAt !== undefined || port === 'open') {
    return { status: 'True', reason: 'AsExpected', message: '' };
  }
  const where = `port ${ready.tcp.port} of the instance does not answer`;
  const waited = now - Date.parse(boundAt ?? timestamp(now));
  if (waited > parseDuration(ready.timeout)) {
    const message = `${where} after ${ready.timeout}; it is asked on`;
    return { status: 'False', reason: 'ReadyCheckTimedOut', message };
  }
  return { status: 'False', reason: 'WaitingForReadyCheck', message: `${where} yet` };
}

export function judgeHooks(pool: InstancePool | undefined, instance: PoolInstance): Judgement {
  if (!pool?.spec.hooks.onClaim) {
    return { status: 'True', reason: 'NoHooks', message: 'the pool has no onClaim hook' };
  }
  const state = hookState(instance, 'onClaim');
  if (state === 'Succeeded') {
    return {
      status: 'True',
      reason: 'HooksSucceeded',
      message: 'the onClaim hook ended with exit code 0',
    };
  }
  const record = instance.status?.commands.findLast(({ command }) => command === 'onClaim');
  if (state === 'Failed') {
    const code =
      record?.exitCode === undefined ? 'without an exit code' : `with exit code ${record.exitCode}`;
    const message = `the onClaim hook ended ${code}: ${(record?.output ?? '').slice(-1024)}`;
    return { status: 'False', reason: 'HookFailed', message };
  }
  return {
    status: 'Unknown',
    reason: 'HookRunning',
    message: 'the onClaim hook runs in the instance',
  };
}

export function judgeLoss(instance: PoolInstance): Judgement | undefined {
  const { lastError, attempts } = instance.status ?? {};
  // The error stays on record after the VM was seen again; only a present one counts.
  if (lastError?.code === 'Evicted' && attempts) return judgeEviction(instance, lastError.message);
  if (lastError?.code !== 'ResourceDisappeared' || !attempts) return undefined;
  const message = `${instance.metadata.name}: ${lastError.message}; delete the claim and claim again`;
  return { status: 'False', reason: 'InstanceLost', message };
}

/** One that is switched off comes back by itself; one that is gone does not. */
function judgeEviction({ metadata, status }: PoolInstance, message: string): Judgement | undefined {
  if (status?.azure?.powerState !== undefined) return undefined;
  const what = `${metadata.name}: ${message}; delete the claim and claim again`;
  return { status: 'False', reason: 'Evicted', message: what };
}
