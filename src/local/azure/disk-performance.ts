// What a disk's size buys in Azure: published figures per performance tier, the smaller ones.
import type { JsonObject } from './json.ts';
import type { DiskRecord } from './records.ts';

interface PremiumTier {
  readonly upToGigabytes: number;
  readonly tier: string;
  readonly operationsPerSecond: number;
  readonly megabytesPerSecond: number;
}

const tier = (
  upToGigabytes: number,
  name: string,
  operationsPerSecond: number,
  megabytesPerSecond: number,
): PremiumTier => ({ upToGigabytes, tier: name, operationsPerSecond, megabytesPerSecond });

const premiumTiers: readonly PremiumTier[] = [
  tier(4, 'P1', 120, 25),
  tier(8, 'P2', 120, 25),
  tier(16, 'P3', 120, 25),
  tier(32, 'P4', 120, 25),
  tier(64, 'P6', 240, 50),
  tier(128, 'P10', 500, 100),
  tier(256, 'P15', 1100, 125),
  tier(512, 'P20', 2300, 150),
  tier(1024, 'P30', 5000, 200),
  tier(2048, 'P40', 7500, 250),
  tier(4096, 'P50', 7500, 250),
];

/** Nothing for kinds and sizes whose figures depend on more than the size. */
export function performanceOf({ sku, sizeGigabytes }: DiskRecord): JsonObject {
  if (/^Premium_/.test(sku)) {
    const found = premiumTiers.find(({ upToGigabytes }) => sizeGigabytes <= upToGigabytes);
    if (!found) return {};
    return {
      diskIOPSReadWrite: found.operationsPerSecond,
      diskMBpsReadWrite: found.megabytesPerSecond,
      tier: found.tier,
    };
  }
  if (sizeGigabytes > 1024) return {};
  if (/^Standard_/.test(sku)) return { diskIOPSReadWrite: 500, diskMBpsReadWrite: 60 };
  if (/^StandardSSD_/.test(sku)) return { diskIOPSReadWrite: 500, diskMBpsReadWrite: 100 };
  return {};
}
