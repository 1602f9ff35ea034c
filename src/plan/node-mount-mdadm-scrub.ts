// Scrubbing: all copies and parities are read and compared, and what differs is counted. Nothing is
// ever repaired unasked: the kernel can't know which copy is the right one.
import type { ScrubRecord } from './node-mount-mdadm-facts.ts';
import type { Stock } from './node-mount-mdadm-stock.ts';
import { type NodeMountPlan, type Note, upkeep } from './node-mount-step.ts';

export function planScrub(stock: Stock, complaints: Note[]): NodeMountPlan | undefined {
  const { array, facts, intent, isSyncing, isWhole } = stock;
  const last = facts.journal.scrub;
  const isRequested = intent.scrubRequest !== undefined && intent.scrubRequest !== last?.request;
  if (array.level === 0) {
    if (isRequested || intent.scrubIntervalMilliseconds !== undefined)
      complaints.push({
        reason: 'ChangeNotPossible',
        message: 'A RAID0 cannot be scrubbed: it has no copies or parities to compare.',
      });
    return undefined;
  }
  if (array.syncAction === 'check' || array.syncAction === 'repair') return undefined;
  if (last && last.completedAt === undefined) return planEnd(stock, last);
  if (isSyncing || !isWhole || array.state === 'readonly') return undefined;
  if (isRequested) return start(stock, 'It was asked for by annotation.', intent.scrubRequest);
  if (!isDue(stock)) return undefined;
  return start(stock, 'The last one was a scrubInterval ago.', last?.request);
}

/** It is not running any more: it came to its end, or something broke it off. */
function planEnd(stock: Stock, last: ScrubRecord): NodeMountPlan | undefined {
  const { array, facts, isSyncing, isWhole } = stock;
  if (isSyncing || !isWhole) return undefined;
  if (last.bootId !== facts.bootId)
    return start(stock, 'The machine was restarted meanwhile.', last.request);
  // A member that fails ends it at once, and what was counted until then proves nothing.
  if ((array.lastSyncAction ?? 'check') !== 'check')
    return start(stock, `It was broken off by a ${array.lastSyncAction}.`, last.request);
  return upkeep('All copies and parities were compared.', {
    type: 'recordScrub',
    scrub: {
      ...last,
      completedAt: facts.now,
      mismatchCount: array.mismatchCount ?? 0,
    },
  });
}

function isDue({ intent, facts }: Stock): boolean {
  const { scrubIntervalMilliseconds } = intent;
  const since = facts.journal.scrub?.completedAt ?? facts.journal.initialSyncCompletedAt;
  if (scrubIntervalMilliseconds === undefined || since === undefined) return false;
  return Date.parse(facts.now) >= Date.parse(since) + scrubIntervalMilliseconds;
}

function start(stock: Stock, because: string, request: string | undefined): NodeMountPlan {
  const { bootId, now: startedAt } = stock.facts;
  return upkeep(because, {
    type: 'startScrub',
    array: stock.running,
    scrub: { startedAt, bootId, ...(request !== undefined && { request }) },
  });
}
