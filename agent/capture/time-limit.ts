/** When the run has to be over, and when the dump has to be, so that there is time left to name what was saved. */
import type { System } from '../sys/system.ts';
import { CaptureError } from './capture-error.ts';

/** On the clock of `system.now()`; infinite without a limit. */
export type TimeLimit = { readonly dumpEndsAt: number; readonly runEndsAt: number };

/** Kept for fsync, manifest, log and hooks: a tenth of the whole, within these. */
const leastReserveMs = 5_000;
const mostReserveMs = 30_000;

export function timeLimit(startedAt: number, limitSeconds: number | undefined): TimeLimit {
  if (limitSeconds === undefined) return { dumpEndsAt: Number.POSITIVE_INFINITY, runEndsAt: Number.POSITIVE_INFINITY };
  const limitMs = limitSeconds * 1000;
  const reserveMs = Math.min(limitMs / 2, mostReserveMs, Math.max(leastReserveMs, limitMs / 10));
  return { dumpEndsAt: startedAt + limitMs - reserveMs, runEndsAt: startedAt + limitMs };
}

/** @throws CaptureError `capture/time-limit` once `endsAt` has passed. */
export function checkTime(system: Pick<System, 'now'>, endsAt: number, what: string): void {
  if (system.now() < endsAt) return;
  throw new CaptureError('capture/time-limit', `Cannot go on ${what}: the time limit is reached`, {
    hint: 'Raise time_limit, or make the dump smaller or the target faster',
  });
}
