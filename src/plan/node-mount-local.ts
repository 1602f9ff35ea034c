// A directory that is on the node already: it is measured and watched, never made and never removed.
import type { Answer, MountIntent, SharedFacts } from './node-mount-facts.ts';
import { type NodeMountPlan, refuse, step } from './node-mount-step.ts';

export interface LocalIntent extends MountIntent {
  readonly type: 'local';
  readonly path: string;
}

export type DirectoryFacts =
  | {
      readonly type: 'present';
      /** Without symbolic links. */
      readonly resolvedPath: string;
      /** Mount point of the filesystem that it lies on. */
      readonly mountedAt: string;
    }
  | { readonly type: 'missing' }
  | { readonly type: 'other' }
  /** It can't be told: its filesystem answers with an error. */
  | { readonly type: 'failed'; readonly message: string }
  | { readonly type: 'silent'; readonly since: string };

export interface LocalFacts extends SharedFacts {
  readonly directory: DirectoryFacts;
  readonly answer: Answer;
}

/** Directories that the node lives from, themselves and everything below. */
const systemTrees = [
  ...['/bin', '/boot', '/dev', '/etc', '/lib', '/lib32', '/lib64', '/proc', '/root', '/run'],
  ...['/sbin', '/sys', '/usr', '/var/cache', '/var/log', '/var/run', '/var/spool'],
  // What runs containers, and where they and the cluster keep their state.
  ...['/var/lib/cni', '/var/lib/containerd', '/var/lib/containers', '/var/lib/docker'],
  ...['/var/lib/etcd', '/var/lib/k0s', '/var/lib/kubelet', '/var/lib/rancher'],
  ...['/var/lib/cloud', '/var/lib/dpkg', '/var/lib/iscsi', '/var/lib/nfs', '/var/lib/rpm'],
  ...['/var/lib/systemd', '/var/lib/waagent', '/snap'],
];
const systemDirectories = new Set(['/', '/var', '/var/lib', '/home', '/tmp', '/opt', '/srv']);

/** Whether a directory belongs to the operating system, and so is nobody's storage. */
export function isSystemDirectory(path: string): boolean {
  const plain = path.replaceAll(/\/+/g, '/').replace(/(.)\/$/, '$1');
  if (plain.split('/').some((part) => part === '..' || part === '.')) return true;
  if (systemDirectories.has(plain)) return true;
  return systemTrees.some((tree) => plain === tree || plain.startsWith(`${tree}/`));
}

export function planLocal(intent: LocalIntent, facts: LocalFacts): NodeMountPlan {
  const { path } = intent;
  const { directory, journal, answer } = facts;
  if (isSystemDirectory(path))
    return refuse('InvalidSpec', `spec.local.path ${path} belongs to the operating system.`);
  switch (directory.type) {
    case 'missing':
      return refuse('DirectoryNotFound', describeMissing(path, journal.active));
    case 'other':
      return refuse('InvalidSpec', `spec.local.path ${path} is no directory on this node.`);
    case 'failed':
      return unusable(path, directory.message);
    case 'silent':
      return silent(path, directory.since);
    case 'present':
      break;
  }
  if (isSystemDirectory(directory.resolvedPath)) {
    const why = `spec.local.path ${path} leads to ${directory.resolvedPath}, which belongs to the operating system.`;
    return refuse('InvalidSpec', why);
  }
  const own = refuseOwn(intent, directory.resolvedPath);
  if (own) return own;
  // Without its filesystem the directory is still there, and whoever writes fills the wrong disk.
  if (journal.mountedAs !== undefined && journal.mountedAs !== directory.mountedAt)
    return refuse(
      'MountLost',
      `${path} lies on the filesystem at ${directory.mountedAt} now, before it was the one at ` +
        `${journal.mountedAs}. Mount that again; if the change is meant, create another pool.`,
    );
  if (answer.type === 'silent') return silent(path, answer.since);
  if (answer.type === 'stale') return unusable(path, 'its handle is stale');
  if (answer.type === 'failed') return unusable(path, answer.message);
  if (!journal.active)
    return step('The directory is there.', {
      type: 'recordActive',
      mountedAs: directory.mountedAt,
    });
  return { type: 'settled' };
}

/** Whoever could write there would decide what the agent takes for its own records. */
function refuseOwn(
  { path, mountRoot }: LocalIntent,
  resolvedPath: string,
): NodeMountPlan | undefined {
  const root = mountRoot.slice(0, mountRoot.lastIndexOf('/'));
  if (resolvedPath.startsWith(`${mountRoot}/`)) {
    const why = `spec.local.path ${path} lies below ${mountRoot}, where storage pools have their mounts.`;
    return refuse('InvalidSpec', why);
  }
  const isOwn =
    resolvedPath === root ||
    resolvedPath.startsWith(`${root}/`) ||
    root.startsWith(`${resolvedPath}/`);
  if (!isOwn) return undefined;
  const why = `spec.local.path ${path} holds or lies in ${root}, where the agent keeps its records.`;
  return refuse('InvalidSpec', why);
}

function describeMissing(path: string, wasThere: boolean): string {
  return wasThere
    ? `The directory ${path} has disappeared from the node. It is not made anew, as its content would be missing.`
    : `There is no directory ${path} on the node: make it there, or correct spec.local.path.`;
}

function unusable(path: string, why: string): NodeMountPlan {
  const message = `The directory ${path} can't be used: ${why}`;
  return { type: 'unanswered', reason: 'ServerNotResponding', message };
}

function silent(path: string, since: string): NodeMountPlan {
  const message = `The filesystem of ${path} has not answered since ${since}. The numbers shown are from before.`;
  return { type: 'unanswered', reason: 'ServerNotResponding', message };
}

/** Nothing was made, so nothing is undone. */
export function planLocalCleanup(): NodeMountPlan {
  return { type: 'cleanedUp', kept: undefined };
}
