// What the simulated cloud can be told, and what it assumes when it isn't.
import { type Durations, defaultDurations, type Range } from './durations.ts';
import type { RunCommandHook } from './virtual-machines/run-command.ts';

export interface ResourceGroupSettings {
  readonly name: string;
  readonly location: string;
}

export interface SubscriptionSettings {
  readonly id: string;
  readonly resourceGroups: readonly ResourceGroupSettings[];
}

export interface SeedSnapshot {
  readonly id: string;
  readonly location?: string;
  readonly sizeGigabytes?: number;
  readonly tags?: Readonly<Record<string, string>>;
  /** Names the bytes, so that disks made from it can be told apart. */
  readonly content?: string;
}

export interface ThrottlingSettings {
  readonly enabled: boolean;
  /** Multiplies what every bucket holds and how fast it refills. */
  readonly scale: number;
}

export interface SimulatedAzureSettings {
  /** Divides operation durations, Resource Graph's lag and polling hints; not the throttles. */
  readonly speed: number;
  readonly tenantId: string;
  readonly subscriptions: readonly SubscriptionSettings[];
  readonly snapshots: readonly SeedSnapshot[];
  /** Where the URLs of long-running operations point: the real one, as the real client expects. */
  readonly resourceManagerUrl: string;
  readonly durations: Durations;
  /** How late a change shows in Resource Graph. */
  readonly graphLag: Range;
  readonly throttling: ThrottlingSettings;
  /** Seconds between asking and answering; not divided by the speed. */
  readonly latency: Range;
  /** How many resources a listing shows at once. */
  readonly listPageRows: number;
  /** vCPUs per region: `cores` in total, `lowPriorityCores` for Spot, or a family's name. */
  readonly quota: Readonly<Record<string, number>>;
  /** After so long the URL of a finished operation answers 404. */
  readonly operationExpiryMilliseconds: number;
  readonly runCommand?: RunCommandHook;
  /** Versions of images, by any part of the image's path. */
  readonly imageVersions: Readonly<Record<string, readonly string[]>>;
}

export type SettingsOverrides = Partial<
  Omit<SimulatedAzureSettings, 'durations' | 'throttling'>
> & {
  readonly durations?: Partial<Durations>;
  readonly throttling?: Partial<ThrottlingSettings>;
};

export const defaultSubscriptionId = '11111111-1111-4111-8111-111111111111';
export const defaultResourceGroup = 'poolkeeper';
export const defaultLocation = 'westeurope';

const SIX_HOURS_MILLISECONDS = 6 * 3600 * 1000;

export function resolveSettings(overrides: SettingsOverrides = {}): SimulatedAzureSettings {
  return {
    speed: 1,
    tenantId: '22222222-2222-4222-8222-222222222222',
    subscriptions: [
      {
        id: defaultSubscriptionId,
        resourceGroups: [{ name: defaultResourceGroup, location: defaultLocation }],
      },
    ],
    snapshots: [],
    resourceManagerUrl: 'https://management.azure.com',
    // Usually seconds, sometimes a minute or two; there is no documented bound.
    graphLag: { minimumSeconds: 2, maximumSeconds: 30 },
    latency: { minimumSeconds: 0, maximumSeconds: 0 },
    listPageRows: 200,
    imageVersions: {},
    quota: { cores: 1000, lowPriorityCores: 1000 },
    operationExpiryMilliseconds: SIX_HOURS_MILLISECONDS,
    ...overrides,
    durations: { ...defaultDurations, ...overrides.durations },
    throttling: { enabled: true, scale: 1, ...overrides.throttling },
  };
}
