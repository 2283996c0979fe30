/** Both programs dump the same vmcore with one codec at one level, in turns, with one worker and with two. */
import { spawnSync } from 'node:child_process';
import { join } from 'node:path';
import type { Comparison } from './comparisons.ts';
import type { Entry } from './entries.ts';
import { measure, median, OverTimeError, type Run } from './measure.ts';
import type { Program } from './programs.ts';

export type DumpBench = {
  readonly our: Program;
  readonly their: Program;
  readonly vmcore: string;
  /** Where the dumps go. */
  readonly dumps: string;
  /** As for `taskset -c`. */
  readonly cpus: string;
  readonly runs: number;
  /** Numbers of workers: 1, 2 or both. */
  readonly workers: readonly number[];
  readonly say: (line: string) => void;
};

type Job = Omit<Entry, 'runs' | 'run' | 'limitSeconds'> & { readonly options: readonly string[] };

/** Theirs spins with two threads on two busy CPUs and takes minutes: one run, and no longer than this. */
const theirTwoLimitSeconds = 150;

/**
 * @returns Medians, theirs first. Theirs with two threads has one run.
 * @throws Error when a run fails or the dumps hold different pages.
 */
export function compareDumps(bench: DumpBench, { theirName, theirOptions, ours }: Comparison, level: number): readonly Entry[] {
  const theirs = (workers: number): Job[] => {
    if (theirOptions === undefined) return [];
    const options = [...theirOptions, ...(workers > 1 ? [`--num-threads=${workers}`] : []), '-d', `${level}`];
    return [{ program: 'makedumpfile', mode: theirName, level, workers, options }];
  };
  const own = (workers: number): Job[] =>
    ours.map(({ name, options: words }) => {
      const options = [...words, '--num-threads', `${workers}`, '-d', `${level}`];
      return { program: 'kcapture', mode: name, level, workers, options };
    });
  const inTurns = bench.workers.flatMap((workers) => [...(workers === 1 ? theirs(1) : []), ...own(workers)]);
  const results = inTurns.map((): Run[] => []);
  for (let turn = 1; turn <= bench.runs; turn++)
    for (const [index, job] of inTurns.entries()) results[index].push(runOnce(bench, job, `run ${turn} of ${bench.runs}`));
  const theirTwo = bench.workers.filter((number) => number > 1).flatMap(theirs);
  const entries = [...inTurns.map((job, index) => entryOf(job, results[index])), ...theirTwo.map((job) => boundedEntry(bench, job))];
  demandSamePages(entries);
  return entries;
}

function runOnce({ our, their, vmcore, dumps, cpus, say }: DumpBench, job: Job, words: string, limitSeconds?: number): Run {
  const program = job.program === 'kcapture' ? our : their;
  const output = join(dumps, 'dump');
  const argv = program.argv(job.options, vmcore, output);
  // What the run before left to the kernel to write is not this one's.
  spawnSync('sync');
  const run = measure({ argv, cpus, output, readFilterSeconds: program.readFilterSeconds, limitSeconds });
  say(`  ${program.name} ${job.options.join(' ')}: ${words}, ${run.wallSeconds.toFixed(2)} s`);
  return run;
}

function boundedEntry(bench: DumpBench, job: Job): Entry {
  try {
    return entryOf(job, [runOnce(bench, job, 'one run', theirTwoLimitSeconds)]);
  } catch (error) {
    if (!(error instanceof OverTimeError)) throw error;
    bench.say(`  makedumpfile ${job.options.join(' ')}: stopped after ${theirTwoLimitSeconds} s`);
    const { options: _, ...words } = job;
    return { ...words, runs: 1, limitSeconds: theirTwoLimitSeconds };
  }
}

function entryOf({ options: _, ...words }: Job, runs: readonly Run[]): Entry {
  return { ...words, runs: runs.length, run: median(runs) };
}

function demandSamePages(entries: readonly Entry[]): void {
  const counts = new Set(entries.flatMap(({ run }) => (run === undefined ? [] : [run.pages])));
  if (counts.size > 1) {
    const names = entries.map(({ program, mode, workers, run }) => `${program} ${mode} ${workers}: ${run?.pages}`);
    throw new Error(`Cannot compare: the dumps hold different numbers of pages (${names.join(', ')})`);
  }
}
