/** Progress of the dump: lines on the console every few seconds, now and then one in the kernel's log; the pulse of the run; and the time limit. */
import { type Progress, progressLine } from '../dump/progress.ts';
import type { System } from '../sys/system.ts';
import type { Pulse } from './pulse.ts';
import type { RunLog } from './run-log.ts';
import { checkTime } from './time-limit.ts';

export type CaptureProgressOptions = {
  readonly log: RunLog;
  readonly pulse: Pulse;
  readonly endsAt: number;
  /** Now and then; may throw to end the step. */
  readonly onLook?: () => void;
};

/** Units between two looks at the clock: half a MiB, little enough for the slowest disk. */
const stride = 128;
const consoleEveryMs = 5_000;
const kmsgEveryMs = 30_000;

/** `update` throws CaptureError `capture/time-limit` at `endsAt`, so that `dump()` keeps what it has. */
export function createCaptureProgress(system: System, { log, pulse, endsAt, onLook }: CaptureProgressOptions): Progress {
  let step = '';
  let total = 0;
  let unitBytes = 1;
  let startedAt = 0;
  let last = 0;
  let nextLookAt = 0;
  let nextConsoleAt = 0;
  let nextKmsgAt = system.now() + kmsgEveryMs;
  const line = (done: number) => progressLine(step, { done, total, unitBytes, seconds: (system.now() - startedAt) / 1000 });
  return {
    start(name, units, bytes) {
      step = name;
      total = units;
      unitBytes = bytes;
      startedAt = system.now();
      last = 0;
      nextLookAt = 0;
      nextConsoleAt = startedAt + consoleEveryMs;
    },
    update(done) {
      last = done;
      if (done < nextLookAt) return;
      nextLookAt = done + stride;
      pulse.beat();
      onLook?.();
      checkTime(system, endsAt, step);
      const now = system.now();
      if (now < nextConsoleAt) return;
      nextConsoleAt = now + consoleEveryMs;
      log.progress(line(done));
      if (now < nextKmsgAt) return;
      nextKmsgAt = now + kmsgEveryMs;
      log.kmsg('info', line(done));
    },
    end: () => log.progress(line(last)),
  };
}
