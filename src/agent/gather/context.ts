// What looking at a node needs.
import type { Clock } from '../../runtime/clock.ts';
import type { DeviceClaims } from '../claims.ts';
import type { HostPort } from '../host-port.ts';
import type { Journal } from '../journal.ts';
import type { MountProber } from '../mount-prober.ts';
import type { PreflightResult } from '../preflight.ts';

export interface GatherContext {
  readonly host: HostPort;
  readonly journal: Journal;
  readonly claims: DeviceClaims;
  readonly preflight: PreflightResult;
  /** Another mount's array is being created: markers of unknown arrays may be that one's. */
  readonly isCreatingElsewhere: boolean;
  readonly prober: MountProber;
  readonly clock: Clock;
}
