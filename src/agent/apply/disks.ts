// Steps on disks: reserve them, destroy what was confirmed, erase what was ours.
import {
  type DeviceIdentity,
  describeContents,
  describeDevice,
  identityKey,
  judgeDevice,
  probedRegions,
  type Region,
} from '../../plan/disks.ts';
import { isSameUuid } from '../../plan/node-mount-identity.ts';
import type { Step, Target } from '../../plan/node-mount-step.ts';
import { formatTime } from '../../runtime/clock.ts';
import { PoolkeeperError } from '../../runtime/errors.ts';
import { readRegion } from '../inventory/contents.ts';
import { entryOf, locate, reexamine, type StepContext } from './context.ts';

type StepOf<Type extends Step['type']> = Extract<Step, { readonly type: Type }>;

/** In memory, on the node's disk, then for everyone to see; only then anything may be written. */
export async function claimDevices(
  context: StepContext,
  step: StepOf<'claimDevices'>,
): Promise<void> {
  const { claims, journal, owner } = context;
  const devices = step.targets.map(({ identity }) => identity);
  claims.claim(owner, devices);
  const added = new Set(devices.map(identityKey));
  const before = entryOf(context);
  const kept = (before.claims ?? []).filter((one) => !added.has(identityKey(one)));
  const wiped = [...new Set([...(before.wiped ?? []), ...(step.spent ?? [])])];
  await journal.update(owner, { claims: [...kept, ...devices], wiped });
  await context.publishClaims();
}

export async function releaseDevices(context: StepContext): Promise<void> {
  const { claims, journal, owner } = context;
  await journal.update(owner, { claims: [], erasing: [], wiping: [] });
  claims.release(owner.uid);
  await context.publishClaims();
}

export async function wipeDevice(context: StepContext, step: StepOf<'wipeDevice'>): Promise<void> {
  await context.confirmIntent();
  const [device] = await reexamine(context, [step.target]);
  const { identity, path } = step.target;
  const confirmed = identity.serial ?? identity.wwn;
  const verdict = judgeDevice(device!, { wipeConfirm: confirmed });
  if (verdict.type !== 'wipe' || verdict.destroys !== step.destroys)
    throw changed(step.target, `holds ${describeContents(device!) ?? 'nothing'} now`);
  const before = entryOf(context);
  const key = identityKey(identity);
  const record = {
    time: formatTime(context.clock.now()),
    device: confirmed ?? path,
    found: step.destroys,
  };
  await context.runner.run({
    argv: ['wipefs', '-a', path],
    before: {
      wiped: [...new Set([...(before.wiped ?? []), key])],
      wiping: [...new Set([...(before.wiping ?? []), key])],
      wipes: [...(before.wipes ?? []), record],
    },
  });
  await zeroRegions(context, step.target);
  await recordErased(context, identity);
}

/** Seen blank: from now on nothing proves that what is on it is ours. */
export async function recordErased(context: StepContext, identity: DeviceIdentity): Promise<void> {
  const { erasing, wiping } = entryOf(context);
  const without = (keys: readonly string[] = []) =>
    keys.filter((one) => one !== identityKey(identity));
  await context.journal.update(context.owner, {
    erasing: without(erasing),
    wiping: without(wiping),
  });
}

export async function zeroSuperblock(
  context: StepContext,
  step: StepOf<'zeroSuperblock'>,
): Promise<void> {
  await context.confirmIntent();
  const [device] = await reexamine(context, [step.target]);
  const superblock = device?.contents?.superblock;
  if (superblock?.type !== 'member' || !isSameUuid(superblock.arrayUuid, step.arrayUuid))
    throw changed(step.target, 'does not carry our superblock any more');
  const erasing = entryOf(context).erasing ?? [];
  const key = identityKey(step.target.identity);
  await context.runner.run({
    argv: ['mdadm', '--zero-superblock', step.target.path],
    before: { erasing: erasing.includes(key) ? erasing : [...erasing, key] },
  });
  // The rest of it at once: each look at all disks between would cost far more than the erasing.
  const [bare] = await reexamine(context, [step.target]);
  const { superblock: left, signatures } = bare?.contents ?? {};
  if (left?.type !== 'none' || signatures === 'failed') return;
  if (signatures !== 'none') await context.runner.run({ argv: ['wipefs', '-a', step.target.path] });
  await zeroRegions(context, step.target);
  await recordErased(context, step.target.identity);
}

/** wipefs opens the disk exclusively, so one that somebody uses is refused. Never with -f. */
export async function wipeSignatures(
  context: StepContext,
  step: StepOf<'wipeSignatures'>,
): Promise<void> {
  await context.confirmIntent();
  await reexamine(context, [step.target]);
  await context.runner.run({ argv: ['wipefs', '-a', step.target.path] });
}

export async function zeroEnds(context: StepContext, step: StepOf<'zeroEnds'>): Promise<void> {
  await context.confirmIntent();
  await zeroRegions(context, step.target);
  await recordErased(context, step.target.identity);
}

/** Erases all that the blank gate reads, so that the disk passes it again. */
async function zeroRegions(context: StepContext, target: Target): Promise<void> {
  for (const region of probedRegions(target.identity.sizeBytes)) {
    // dd doesn't ask whether a disk is in use; reading it just before, exclusively, does.
    await locate(context, [target]);
    const { ends: found } = await readRegion(context.runner.host, target.path, region);
    if (found === 'busy') throw changed(target, 'is in use now');
    if (found !== 'zero') await context.runner.run({ argv: zeroingCommand(target.path, region) });
  }
}

export function zeroingCommand(path: string, { offsetBytes, lengthBytes }: Region): string[] {
  const argv = ['dd', 'if=/dev/zero', `of=${path}`, 'bs=1M', `count=${lengthBytes}`];
  const flags = ['iflag=count_bytes', 'oflag=direct,seek_bytes', 'conv=fsync,notrunc'];
  return [...argv, `seek=${offsetBytes}`, ...flags];
}

function changed(target: Target, what: string): PoolkeeperError {
  const device = describeDevice({ ...target.identity, path: target.path });
  return new PoolkeeperError('DeviceChanged', `${device} ${what}.`);
}
