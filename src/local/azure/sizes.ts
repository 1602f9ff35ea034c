// Machine sizes and what each can do, as the resource SKU listing reports it.

export interface MachineSize {
  readonly name: string;
  readonly family: string;
  readonly virtualCpus: number;
  readonly memoryGigabytes: number;
  readonly maxDataDisks: number;
  readonly premiumStorage: boolean;
  readonly hibernation: boolean;
  readonly lowPriority: boolean;
  /** 0: no ephemeral OS disks. */
  readonly cacheGigabytes: number;
}

type Traits = Partial<Omit<MachineSize, 'name' | 'family'>>;

/** One size per vCPU count, named the way families name them: `Standard_D{n}s_v5`. */
function familyOf(
  family: string,
  template: string,
  disksByCpus: Readonly<Record<number, number>>,
  traits: Traits & { gigabytesPerCpu: number },
): MachineSize[] {
  const { gigabytesPerCpu, ...rest } = traits;
  return Object.entries(disksByCpus).map(([cpus, maxDataDisks]) => ({
    name: template.replace('#', cpus),
    family,
    virtualCpus: Number(cpus),
    memoryGigabytes: Number(cpus) * gigabytesPerCpu,
    maxDataDisks,
    premiumStorage: true,
    hibernation: Number(cpus) * gigabytesPerCpu <= 64,
    lowPriority: true,
    cacheGigabytes: 0,
    ...rest,
  }));
}

const general = { 2: 4, 4: 8, 8: 16, 16: 32, 32: 32 };
const burstable = { premiumStorage: true, hibernation: true, lowPriority: false };

const sizes: readonly MachineSize[] = [
  ...familyOf(
    'standardBSFamily',
    'Standard_B#ms',
    { 1: 2, 2: 4, 4: 8, 8: 16 },
    {
      ...burstable,
      gigabytesPerCpu: 4,
    },
  ),
  ...familyOf(
    'standardBSFamily',
    'Standard_B#s',
    { 1: 2, 2: 4 },
    {
      ...burstable,
      gigabytesPerCpu: 2,
    },
  ),
  ...familyOf('standardDSv3Family', 'Standard_D#s_v3', general, {
    gigabytesPerCpu: 4,
    cacheGigabytes: 50,
  }),
  ...familyOf('standardDv5Family', 'Standard_D#_v5', general, {
    gigabytesPerCpu: 4,
    premiumStorage: false,
  }),
  ...familyOf('standardDSv5Family', 'Standard_D#s_v5', general, { gigabytesPerCpu: 4 }),
  ...familyOf('standardDASv5Family', 'Standard_D#as_v5', general, { gigabytesPerCpu: 4 }),
  ...familyOf('standardDDSv5Family', 'Standard_D#ds_v5', general, {
    gigabytesPerCpu: 4,
    cacheGigabytes: 75,
  }),
  ...familyOf('standardESv5Family', 'Standard_E#s_v5', general, { gigabytesPerCpu: 8 }),
  ...familyOf('standardFSv2Family', 'Standard_F#s_v2', general, {
    gigabytesPerCpu: 2,
    hibernation: false,
    cacheGigabytes: 32,
  }),
];

export const zones: readonly string[] = ['1', '2', '3'];

const byName = new Map(sizes.map((size) => [size.name.toLowerCase(), size]));

export function findSize(name: string): MachineSize | undefined {
  return byName.get(name.toLowerCase());
}

export function allSizes(): readonly MachineSize[] {
  return sizes;
}
