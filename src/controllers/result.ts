// How a plan's outcome becomes a reconcile's result, and the id that ties its calls together.
import type { Result } from '../kube/index.ts';
import { randomUuid } from '../runtime/random.ts';
import type { ControllerContext } from './context.ts';

export function resultOf(plan: {
  readonly waitMilliseconds?: number;
  readonly because: string;
}): Result {
  if (plan.waitMilliseconds === undefined) return { type: 'done' };
  return { type: 'wait', afterMilliseconds: plan.waitMilliseconds, why: plan.because };
}

/** One per reconcile: sent to Azure with every call, where support can find it. */
export function correlationId({ runtime }: ControllerContext): string {
  return randomUuid(runtime.random);
}
