// Carries out one step. What may be destructive is checked once more on the spot, by the step's
// own function; what happened is in the journal before and after.
import type { Step } from '../../plan/node-mount-step.ts';
import { unreachable } from '../../runtime/assert.ts';
import * as arrays from './arrays.ts';
import type { StepContext } from './context.ts';
import * as disks from './disks.ts';
import * as growth from './growth.ts';
import * as iscsi from './iscsi.ts';
import * as members from './members.ts';
import * as mounts from './mounts.ts';

export type { StepContext } from './context.ts';

export async function applyStep(step: Step, context: StepContext): Promise<void> {
  const { journal, owner, runner } = context;
  switch (step.type) {
    case 'claimDevices':
      return disks.claimDevices(context, step);
    case 'releaseDevices':
      return disks.releaseDevices(context);
    case 'wipeDevice':
      return disks.wipeDevice(context, step);
    case 'zeroSuperblock':
      return disks.zeroSuperblock(context, step);
    case 'wipeSignatures':
      return disks.wipeSignatures(context, step);
    case 'zeroEnds':
      return disks.zeroEnds(context, step);
    case 'recordErased':
      return disks.recordErased(context, step.identity);
    case 'createArray':
      return arrays.createArray(context, step);
    case 'recordArray':
      return journal.update(owner, { array: 'made' });
    case 'assembleArray':
      return arrays.assembleArray(context, step);
    case 'stopArray':
      return arrays.stopArray(context, step);
    case 'removeCreatingMarker':
      return runner.host.removeFile(step.path);
    case 'recordMembers':
      return members.recordMembers(context, step);
    case 'recordConfirmations':
      return journal.update(owner, { wiped: step.wiped });
    case 'addMember':
      return members.addMember(context, step);
    case 'reAddMember':
      return members.reAddMember(context, step);
    case 'replaceMember':
      return members.replaceMember(context, step);
    case 'failMember':
      return members.failMember(context, step);
    case 'removeMember':
      return members.removeMember(context, step);
    case 'removeDetached':
      return members.removeDetached(context, step);
    case 'letGoDevice':
      return members.letGoDevice(context, step);
    case 'forgetDevice':
      return members.forgetDevice(context, step);
    case 'growArray':
      return growth.growArray(context, step);
    case 'growMembers':
      return growth.growMembers(context, step);
    case 'growFilesystem':
      return growth.growFilesystem(context, step);
    case 'startScrub':
      return growth.startScrub(context, step);
    case 'recordScrub':
      return journal.update(owner, { scrub: step.scrub });
    case 'makeFilesystem':
      return arrays.makeFilesystem(context, step);
    case 'eraseFilesystem':
      return arrays.eraseFilesystem(context, step);
    case 'makeMountPoint':
      return mounts.makeMountPoint(context, step);
    case 'protectMountPoint':
      return mounts.protectMountPoint(context, step);
    case 'mount':
      return mounts.mount(context, step);
    case 'writeMarker':
      return mounts.writeMarker(context, step);
    case 'recordActive':
      return journal.update(owner, {
        active: true,
        ...(step.mountedAs !== undefined && { mountedAs: step.mountedAs }),
        ...(step.filesystemSizedTo !== undefined && { filesystemSizedTo: step.filesystemSizedTo }),
      });
    case 'loginTarget':
      return iscsi.loginTarget(context, step);
    case 'recordSession':
      return iscsi.recordSession(context, step);
    case 'awaitUnit':
      return iscsi.awaitUnit(context, step);
    case 'formatUnit':
      return iscsi.formatUnit(context, step);
    case 'recordFilesystem':
      return journal.update(owner, { filesystem: 'made' });
    case 'recordBlank':
      return journal.update(owner, { filesystem: 'none' });
    case 'removeMarker':
      return mounts.removeMarker(context, step);
    case 'eraseUnit':
      return iscsi.eraseUnit(context, step);
    case 'logoutTarget':
      return iscsi.logoutTarget(context, step);
    case 'unmount':
      return mounts.unmount(context, step);
    case 'unprotectMountPoint':
      return mounts.unprotectMountPoint(context, step);
    case 'removeMountPoint':
      return mounts.removeMountPoint(context, step);
    default:
      return unreachable(step);
  }
}
