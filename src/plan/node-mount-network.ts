// What NFS and CephFS mounts have in common: they are watched by asking for their size, mounted anew
// when their server forgot them or their options changed, and unmounted even when nobody answers.
import type { Answer, MountIntent, SharedFacts } from './node-mount-facts.ts';
import { type MountWish, planMounting, planUnmounting } from './node-mount-mountpoint.ts';
import { type NodeMountPlan, refuse, step } from './node-mount-step.ts';

export interface NetworkFacts extends SharedFacts {
  readonly answer: Answer;
}

export interface NetworkWish {
  readonly source: string;
  readonly filesystem: 'nfs' | 'ceph';
  readonly options: readonly string[];
  /** Changes when the key does. */
  readonly credentialsVersion?: string | undefined;
  readonly needsKey?: boolean | undefined;
}

interface Situation {
  readonly intent: MountIntent;
  readonly facts: NetworkFacts;
}

/** Whatever a user asks for, set-uid programs and devices on a server's disk count for nothing. */
const protections = ['nosuid', 'nodev'];

export function planNetworkMount({ intent, facts }: Situation, given: NetworkWish): NodeMountPlan {
  if (facts.missing.length > 0)
    return refuse('PrerequisitesMissing', `The node lacks ${facts.missing.join(', ')}.`);
  const { mountPoint, journal } = facts;
  const options = [...given.options, ...protections];
  const wish: MountWish = {
    source: given.source,
    filesystem: given.filesystem,
    options,
    uuid: undefined,
    hasMarker: false,
    replacesMarker: false,
    mountedAs: mountedAs(given.source, options, given.credentialsVersion),
    ...(given.needsKey && { needsKey: true }),
  };
  const isMounted = mountPoint.mounts.at(-1)?.isOurs === true;
  const trouble = isMounted ? planTrouble(facts, given.source) : undefined;
  if (trouble) return trouble;
  const keys = given.needsKey ? ['key'] : [];
  const change = isMounted ? planChange(facts, wish.mountedAs, keys) : undefined;
  if (change) return change;
  return planMounting({ intent, mountPoint, journal }, wish) ?? { type: 'settled' };
}

/** One text for everything that can only be changed by mounting again. */
export function mountedAs(
  source: string,
  options: readonly string[],
  credentialsVersion: string | undefined,
): string {
  const version = credentialsVersion === undefined ? '' : ` credentials ${credentialsVersion}`;
  return `${source} ${options.join(',')}${version}`;
}

function planTrouble(
  { answer, mountPoint }: NetworkFacts,
  source: string,
): NodeMountPlan | undefined {
  const { path } = mountPoint;
  switch (answer.type) {
    case 'silent':
      return {
        type: 'unanswered',
        reason: 'ServerNotResponding',
        message:
          `${source} has not answered since ${answer.since}; whoever uses ${path} waits until it ` +
          'does. The numbers shown are from before.',
      };
    case 'stale':
      return step(`The server does not know the handle of ${source} any more.`, {
        type: 'unmount',
        path,
        byForce: true,
      });
    case 'failed':
      return {
        type: 'unanswered',
        reason: 'ServerNotResponding',
        message: `${source} is mounted at ${path} but can't be used: ${answer.message}`,
      };
    default:
      return undefined;
  }
}

/**
 * Changed options or credentials count after mounting anew. What pods have of the old mount are mounts
 * of their own, which go on as they were; a process that uses ours makes a plain umount refuse.
 */
export function planChange(
  { mountPoint, journal }: SharedFacts,
  wanted: string | undefined,
  needsKeys: readonly string[],
): NodeMountPlan | undefined {
  if (journal.mountedAs === undefined || journal.mountedAs === wanted) return undefined;
  return step('What it is mounted with has changed; it is mounted anew.', {
    type: 'unmount',
    path: mountPoint.path,
    byForce: false,
    forChange: true,
    needsKeys,
  });
}

export function planNetworkCleanup({ intent, facts }: Situation): NodeMountPlan {
  const { mountPoint, journal, answer } = facts;
  // A server that answers is not torn from its users; one that doesn't must not hold up anything.
  const byForce = answer.type !== 'answers' && answer.type !== 'notAsked';
  const unmounting = planUnmounting({ intent, mountPoint, journal }, byForce);
  if (unmounting) return unmounting;
  const kept = journal.detachedLazily
    ? `${mountPoint.path} was detached although its server did not answer; processes that still ` +
      'use it keep it until they end.'
    : undefined;
  return { type: 'cleanedUp', kept };
}
