/** A dump that somebody may break off: it looks for a signal with each piece it writes and each step of its progress. */
import type { Progress } from '../dump/progress.ts';
import { KcaptureError } from '../errors.ts';
import type { Sink } from '../sink/sink.ts';
import { wrapSink } from '../sink/wrap-sink.ts';
import type { System } from '../sys/system.ts';

/** Code: `command/interrupted`. */
export class InterruptedError extends KcaptureError {}

/** Page frames between two looks. */
const stride = 1024;

/** @param check throws when it is to end. */
export function interruptibleProgress(progress: Progress, check: () => void): Progress {
  let nextLookAt = 0;
  return {
    start(step, total, unitBytes) {
      nextLookAt = 0;
      progress.start(step, total, unitBytes);
    },
    update(done) {
      progress.update(done);
      if (done < nextLookAt) return;
      nextLookAt = done + stride;
      check();
    },
    end: () => progress.end(),
  };
}

/** @param check throws when it is to end: nothing is asked of the sink then. */
export function interruptibleSystem(system: System, check: () => void): System {
  return { ...system, createFile: (path, options) => interruptibleSink(system.createFile(path, options), check) };
}

function interruptibleSink(sink: Sink, check: () => void): Sink {
  return wrapSink(sink, {
    before: check,
    sync() {
      check();
      sink.sync();
    },
  });
}
