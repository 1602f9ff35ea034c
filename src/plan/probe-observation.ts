// What one probe of a storage endpoint saw, before anybody judges it. Plain data: the controller and
// the agents make the same.
import type { CheckName } from '../api/probe-result.ts';
import type { Reason } from '../api/reasons.ts';

export interface PassedCheck {
  readonly check: CheckName;
  readonly message: string;
  readonly milliseconds?: number;
}

/** Why a probe could not go on. */
export interface ProbeFailure {
  readonly type: 'failed';
  readonly check: CheckName;
  /** `ECONNREFUSED`, `NoSuchBucket` and the like, or `Timeout`: what judgements are looked up by. */
  readonly code: string;
  /** A phrase without advice. */
  readonly message: string;
}

/** Everything that was asked for was answered as it should be. */
export interface ProbeSuccess {
  readonly type: 'succeeded';
  /** What was found, in words without numbers that differ from probe to probe. */
  readonly said: string;
  /** What works but should be put right. */
  readonly remarks?: readonly string[];
}

/** A web server's answer, whatever it is: the spec says which are good. */
export interface HttpAnswer {
  readonly type: 'answered';
  readonly method: 'HEAD' | 'GET';
  /** Asked for one byte only, because HEAD was refused. */
  readonly isRange: boolean;
  readonly statusCode: number;
}

export interface Measured {
  readonly usedBytes?: number;
  readonly totalBytes?: number;
  readonly availableBytes?: number;
  readonly fileCount?: number;
  /** Set with a count: whether there may be more. */
  readonly fileCountTruncated?: boolean;
}

export interface Probed {
  readonly type: 'probed';
  /** What was asked last, without anything that may be secret. */
  readonly endpoint: string;
  readonly passed: readonly PassedCheck[];
  /** The whole probe, redirects included. */
  readonly totalMilliseconds: number;
  /** Since the epoch; absent without TLS. */
  readonly certificateEndsAt?: number | undefined;
  readonly measured?: Measured | undefined;
  readonly outcome: ProbeSuccess | HttpAnswer | ProbeFailure;
}

/** The probe could not even begin. */
export interface Unprepared {
  readonly type: 'unprepared';
  readonly reason: Reason;
  readonly message: string;
}

export type Observation = Probed | Unprepared;
