// Steps on iSCSI sessions and logical units. Passwords reach iscsiadm in its arguments, because it takes
// them nowhere else; they are concealed before the first command that carries one.
import { describeDevice, isSameDevice, probedRegions } from '../../plan/disks.ts';
import { isSameUuid } from '../../plan/node-mount-identity.ts';
import { refuseNotBlank } from '../../plan/node-mount-iscsi.ts';
import type { Step, UnitTarget } from '../../plan/node-mount-step.ts';
import { PoolkeeperError } from '../../runtime/errors.ts';
import { CommandFailed, probe } from '../command-runner.ts';
import { requireKeys } from '../credentials.ts';
import { readFilesystem } from '../filesystems.ts';
import { readRegion } from '../inventory/contents.ts';
import { lookAtUnit, readSessions } from '../iscsi.ts';
import { explainFailure } from '../mount-failure.ts';
import { entryOf, type StepContext } from './context.ts';
import { zeroingCommand } from './disks.ts';

type StepOf<Type extends Step['type']> = Extract<Step, { readonly type: Type }>;

const SESSION_EXISTS = 15;
const NOT_RETRIED = 19;
const NO_OBJECTS = 21;
const COMMAND_TIMEOUT_MILLISECONDS = 60_000;
const SETTLE_SECONDS = 10;

/**
 * Looks at the portal, makes a record that the host's boot does not act on, logs in. When that fails
 * the record goes again, with the password in it.
 */
export async function loginTarget(
  context: StepContext,
  step: StepOf<'loginTarget'>,
): Promise<void> {
  const { runner, journal, owner } = context;
  const { portal, target, loggedInAs } = step;
  const settings = step.hasCredentials ? await chapSettings(context) : [];
  const node = ['iscsiadm', '-m', 'node', '-T', target, '-p', portal];
  const run = (argv: readonly string[], accepts: readonly number[] = []): Promise<unknown> =>
    runner.run({ argv, accepts, timeoutMilliseconds: COMMAND_TIMEOUT_MILLISECONDS });
  try {
    await discover(context, step);
    await journal.update(owner, { session: 'unknown', iscsiTarget: target, loggedInAs });
    await run([...node, '-o', 'new']);
    const all = [['node.startup', 'manual'] as const, ...settings];
    for (const [name, value] of all) await run([...node, '-o', 'update', '-n', name, '-v', value]);
    await run([...node, '--login'], [SESSION_EXISTS]);
    await journal.update(owner, { session: 'made' });
  } catch (error) {
    const isIn = (await readSessions(runner.host, target).catch(() => [])).length > 0;
    if (!isIn) await probe(runner.host, ...node, '-o', 'delete');
    const isMutual = settings.some(([name]) => name.endsWith('.password_in'));
    const unproven = isMutual ? explainUnproven(error, runner.host.nodeName) : undefined;
    throw unproven ?? explainFailure(error, 'iscsi', runner.host.nodeName);
  }
}

/** Of a target that does not prove itself iscsiadm only says that trying again is of no use. */
function explainUnproven(error: unknown, nodeName: string): PoolkeeperError | undefined {
  if (!(error instanceof CommandFailed) || error.exitCode !== NOT_RETRIED) return undefined;
  const message =
    `iSCSI login failed on ${nodeName}: the target did not prove itself; check mutualUsername and ` +
    `mutualPassword of the Secret, and that the target lets this node log in (${error.message})`;
  return new PoolkeeperError('AuthenticationFailed', message, { cause: error });
}

/** Asks what the portal offers, without leaving records of it; some portals tell only on login. */
async function discover(
  { runner }: StepContext,
  { portal, target }: StepOf<'loginTarget'>,
): Promise<void> {
  const AUTHENTICATION_NEEDED = 24;
  const discovery = ['iscsiadm', '-m', 'discovery', '-t', 'st', '-p', portal];
  const { exitCode, stdout } = await runner.run({
    argv: [...discovery, '-o', 'nonpersistent'],
    accepts: [AUTHENTICATION_NEEDED, NO_OBJECTS],
    timeoutMilliseconds: COMMAND_TIMEOUT_MILLISECONDS,
  });
  if (exitCode !== 0) return;
  const offered = stdout.split('\n').flatMap((line) => line.trim().split(' ')[1] ?? []);
  if (offered.includes(target)) return;
  const list = [...new Set(offered)].slice(0, 10).join(', ') || 'none';
  throw new PoolkeeperError(
    'NotExported',
    `iSCSI login failed on ${runner.host.nodeName}: the portal ${portal} does not offer ${target} ` +
      `to this node; it offers: ${list}. Check spec.iscsi.target and the target's access list.`,
  );
}

async function chapSettings(context: StepContext): Promise<(readonly [string, string])[]> {
  const credentials = await context.fetchCredentials(['username', 'password']);
  const auth = 'node.session.auth';
  const { mutualUsername, mutualPassword } = credentials;
  // Half of it would log in to a target that proves nothing.
  if (Boolean(mutualUsername) !== Boolean(mutualPassword))
    requireKeys(credentials, ['mutualUsername', 'mutualPassword']);
  const mutual =
    mutualUsername !== undefined && mutualPassword !== undefined
      ? ([
          [`${auth}.username_in`, mutualUsername],
          [`${auth}.password_in`, mutualPassword],
        ] as const)
      : [];
  return [
    [`${auth}.authmethod`, 'CHAP'],
    [`${auth}.username`, credentials.username],
    [`${auth}.password`, credentials.password],
    ...mutual,
  ];
}

/** A session that another mount of ours made is as good as made by this one: the last one ends it. */
export async function recordSession(
  { journal, owner }: StepContext,
  { isShared, loggedInAs, target }: StepOf<'recordSession'>,
): Promise<void> {
  const session = isShared ? 'made' : 'found';
  await journal.update(owner, { session, iscsiTarget: target, loggedInAs });
}

/** Has the kernel look again, and says what there is when the unit still isn't. */
export async function awaitUnit(
  { runner }: StepContext,
  { target, lun }: StepOf<'awaitUnit'>,
): Promise<void> {
  const { host } = runner;
  // By session, not by record: one that was there before us may have none.
  for (const { id } of await readSessions(host, target))
    await runner.run({
      argv: ['iscsiadm', '-m', 'session', '-r', String(id), '--rescan'],
      timeoutMilliseconds: COMMAND_TIMEOUT_MILLISECONDS,
    });
  await probe(host, 'udevadm', 'settle', `--timeout=${SETTLE_SECONDS}`);
  const sessions = await readSessions(host, target);
  const unit = await lookAtUnit(host, sessions, lun);
  if (unit.type !== 'absent') return;
  const numbers = [...new Set(sessions.flatMap(({ units }) => units.map((one) => one.lun)))];
  const offers = numbers.length > 0 ? `it offers ${numbers.join(', ')}` : 'it offers none';
  throw new PoolkeeperError(
    'DeviceNotFound',
    `The target ${target} has no logical unit ${lun} for ${host.nodeName}; ${offers}. Check ` +
      "spec.iscsi.lun and the target's access list.",
  );
}

export async function formatUnit(context: StepContext, step: StepOf<'formatUnit'>): Promise<void> {
  await context.confirmIntent();
  const device = await reexamineUnit(context, step.unit);
  const what = `Logical unit ${step.unit.lun} (${describeDevice(device)})`;
  const refusal = refuseNotBlank(what, device, step.isAnew);
  if (refusal?.type === 'refuse') throw new PoolkeeperError(refusal.reason, refusal.message);
  const isExt4 = step.filesystem === 'ext4';
  await context.runner.run({
    argv: [
      `mkfs.${step.filesystem}`,
      ...(isExt4 ? ['-U', step.uuid] : ['-m', `uuid=${step.uuid}`]),
      // Units are thin: discarding all of one takes minutes and gains nothing.
      ...(isExt4 ? ['-E', 'nodiscard'] : ['-K']),
      ...step.options,
      device.path,
    ],
    before: { filesystem: 'unknown' },
    after: { filesystem: 'made' },
  });
}

export async function eraseUnit(context: StepContext, step: StepOf<'eraseUnit'>): Promise<void> {
  await context.confirmIntent();
  const { runner } = context;
  const device = await reexamineUnit(context, step.unit);
  if (device.contents?.ends === 'busy')
    throw changed(step.unit, `${describeDevice(device)} is in use now`);
  if (step.isAnew) await confirmOwn(context, device.path, step.uuid);
  await runner.run({ argv: ['wipefs', '-a', device.path], before: { filesystem: 'unknown' } });
  for (const region of probedRegions(device.sizeBytes)) {
    // dd doesn't ask whether a disk is in use; reading it just before, exclusively, does.
    const now = await reexamineUnit(context, step.unit);
    const { ends: there } = await readRegion(runner.host, now.path, region);
    if (there === 'busy') throw changed(step.unit, 'it is in use now');
    if (there !== 'zero') await runner.run({ argv: zeroingCommand(now.path, region) });
  }
  if (!step.isAnew) await context.journal.update(context.owner, { filesystem: 'none' });
}

/** What is erased to be made anew must be what we began, or nothing that anybody knows. */
async function confirmOwn({ runner }: StepContext, path: string, uuid: string): Promise<void> {
  const found = await readFilesystem(runner.host, path);
  if (found.type === 'found' && !isSameUuid(found.uuid, uuid))
    throw new PoolkeeperError('DeviceChanged', `${path} holds another filesystem now.`);
}

/** Logs out and forgets the record; whether the session is gone is looked at by the next plan. */
export async function logoutTarget(
  { runner, journal, owner }: StepContext,
  { target }: StepOf<'logoutTarget'>,
): Promise<void> {
  const node = ['iscsiadm', '-m', 'node', '-T', target];
  const accepts = [NO_OBJECTS];
  const timeoutMilliseconds = COMMAND_TIMEOUT_MILLISECONDS;
  await runner.run({ argv: [...node, '--logout'], accepts, timeoutMilliseconds });
  // Without its record a session is ended by its number.
  for (const { id } of await readSessions(runner.host, target)) {
    const argv = ['iscsiadm', '-m', 'session', '-r', String(id), '--logout'];
    await runner.run({ argv, accepts, timeoutMilliseconds });
  }
  await runner.run({ argv: [...node, '-o', 'delete'], accepts, timeoutMilliseconds });
  const left = await readSessions(runner.host, target);
  if (left.length > 0)
    throw new PoolkeeperError('CleanupFailed', `The session to ${target} is still there.`);
  await journal.update(owner, { session: 'none' });
}

/** The unit as it is now; throws unless it is the very device that was planned for. */
async function reexamineUnit(context: StepContext, unit: UnitTarget) {
  const { host } = context.runner;
  const sessions = await readSessions(host, unit.target);
  const found = await lookAtUnit(host, sessions, unit.lun);
  if (found.type !== 'found') throw changed(unit, 'it is not there any more');
  const { device } = found;
  const isSame = isSameDevice(device, unit.device.identity) && device.path === unit.device.path;
  if (!isSame) throw changed(unit, `it is ${describeDevice(device)} now`);
  const claims = entryOf(context).claims ?? [];
  if (!claims.some((one) => isSameDevice(one, device)))
    throw changed(unit, 'it is not reserved for this pool');
  return device;
}

function changed(unit: UnitTarget, what: string): PoolkeeperError {
  const message = `Logical unit ${unit.lun} of ${unit.target} is not what it was: ${what}.`;
  return new PoolkeeperError('DeviceChanged', message);
}
