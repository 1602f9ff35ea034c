// The rules by which Flux, kubectl and others read the state of any object from its conditions
// (sigs.k8s.io/cli-utils, kstatus): restated here to test our statuses against.

export type KStatus = 'Current' | 'Failed' | 'InProgress' | 'Terminating';

export interface AnyStatus {
  readonly kind: string;
  readonly metadata: {
    readonly name: string;
    readonly namespace?: string;
    readonly generation?: number;
    readonly deletionTimestamp?: string;
  };
  readonly spec?: { readonly paused?: boolean; readonly suspend?: boolean };
  readonly status?: {
    readonly observedGeneration?: number;
    readonly phase?: string;
    readonly conditions?: readonly {
      readonly type: string;
      readonly status: string;
      readonly reason: string;
      readonly message: string;
    }[];
  };
}

export function kstatusOf({ metadata, status }: AnyStatus): KStatus {
  if (metadata.deletionTimestamp) return 'Terminating';
  const seen = status?.observedGeneration;
  if (seen !== undefined && seen !== metadata.generation) return 'InProgress';
  for (const { type, status: value } of status?.conditions ?? []) {
    if (type === 'Reconciling' && value === 'True') return 'InProgress';
    if (type === 'Stalled' && value === 'True') return 'Failed';
  }
  const ready = status?.conditions?.find(({ type }) => type === 'Ready');
  return ready && ready.status !== 'True' ? 'InProgress' : 'Current';
}
