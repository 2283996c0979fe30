/**
 * Looks ahead while memory is sent to a server that keeps nothing of a dump that is not whole: one that cannot be whole before the time is over is given up while there is still
 * time to send as much of it as can be had, under the name that says incomplete.
 */
import type { Progress } from '../dump/progress.ts';
import type { System } from '../sys/system.ts';
import { CaptureError } from './capture-error.ts';

/** Pages between two looks at the clock. */
const stride = 128;
/** Before that a pace is no pace. */
const leastMs = 1000;
/** Of what seems left; the last bytes are on their way for a while. */
const margin = 1.1;

/**
 * @param endsAt on the clock of `system.now()`.
 * @returns a progress whose `update` throws CaptureError `capture/time-limit-ahead`, from the middle of the time on.
 */
export function watchPace(system: Pick<System, 'now'>, progress: Progress, endsAt: number): Progress {
  const middle = (system.now() + endsAt) / 2;
  let [total, startedAt, nextLookAt] = [0, 0, Number.POSITIVE_INFINITY];
  return {
    start(step, units, unitBytes) {
      progress.start(step, units, unitBytes);
      [total, startedAt, nextLookAt] = [units, system.now(), step === 'copying' ? 0 : Number.POSITIVE_INFINITY];
    },
    update(done) {
      progress.update(done);
      if (done < nextLookAt) return;
      nextLookAt = done + stride;
      const now = system.now();
      const tookMs = now - startedAt;
      if (now < middle || tookMs < leastMs || now + margin * tookMs * (total / Math.max(done, 1) - 1) <= endsAt) return;
      throw new CaptureError('capture/time-limit-ahead', 'Cannot send all of the memory before the time limit', {
        hint: 'Raise time_limit, or make the dump smaller or the target faster',
      });
    },
    end: () => progress.end(),
  };
}
