/** Entries as a run of the benchmark gives them, for the tests of what is made of them. */
import { comparisons } from './comparisons.ts';
import type { Entry } from './entries.ts';
import type { Run } from './measure.ts';

export function buildRun(wallSeconds: number, outputBytes: number): Run {
  return { wallSeconds, cpuSeconds: wallSeconds * 1.1, peakBytes: 60e6, outputBytes, filterSeconds: 0.03, pages: 388_000, diskBytes: 0 };
}

/** All comparisons, with one worker and two. Ours takes half of their time and 1.05 of their size; theirs with two threads five times as long. */
export function buildEntries(level = 31): readonly Entry[] {
  return comparisons.flatMap(({ theirName, theirOptions, ours }, index) => {
    const [seconds, bytes] = [4 / (index + 1), 400e6 * (index + 1)];
    const entry = (program: Entry['program'], mode: string, workers: number, wall: number, size: number): Entry => ({
      program,
      mode,
      level,
      workers,
      runs: 5,
      run: buildRun(wall, size),
    });
    const theirs =
      theirOptions === undefined
        ? []
        : [entry('makedumpfile', theirName, 1, seconds, bytes), entry('makedumpfile', theirName, 2, seconds * 5, bytes)];
    const own = ours.flatMap(({ name }) => [
      entry('kcapture', name, 1, seconds * 0.5, bytes * 1.05),
      entry('kcapture', name, 2, seconds * 0.25, bytes * 1.05),
    ]);
    return [...theirs, ...own];
  });
}
