/**
 * One run of one program on the vmcore: how long, how much CPU, how much memory, how large the result.
 *
 * The numbers come from GNU time, a small process of its own: the resource usage a large parent sees of its child has the parent's own memory as
 * its floor (measured: 341 MB for `true`).
 */
import { spawnSync } from 'node:child_process';
import { readFileSync, rmSync, statSync } from 'node:fs';
import { countPages } from './count-pages.ts';
import { middle } from './middle.ts';

export type Cost = {
  readonly wallSeconds: number;
  /** User and system time, all threads. */
  readonly cpuSeconds: number;
  readonly peakBytes: number;
};

export type Run = Cost & {
  readonly outputBytes: number;
  /** The time the program itself says it spent on deciding which pages to keep; 0 when it did not have to. */
  readonly filterSeconds: number;
  /** Pages in the dump. */
  readonly pages: number;
  /** Read from the disk during the run: 0 when the file was warm. */
  readonly diskBytes: number;
};

export type Job = {
  readonly argv: readonly string[];
  /** As for `taskset -c`. */
  readonly cpus: string;
  /** The file it makes; removed before and after. */
  readonly output: string;
  /** Finds the time of the filter in what the program printed; 0 when it is not there. */
  readonly readFilterSeconds: (stdout: string, stderr: string) => number;
  /** After that it is an OverTimeError. Default: none, and it fails after twenty minutes. */
  readonly limitSeconds?: number;
};

/** The program was still running when its time was over, and was killed. */
export class OverTimeError extends Error {
  override readonly name = 'OverTimeError';
}

const timeoutMs = 20 * 60_000;
const program = '/usr/bin/time';
const statusOfTimeout = 124;
/** GNU time counts disk reads in blocks of 512 bytes, whatever the disk's own are. */
const timeBlock = 512;

/** @throws OverTimeError; Error when the program fails or leaves no dump. */
export function measure({ argv, cpus, output, readFilterSeconds, limitSeconds }: Job): Run {
  rmSync(output, { force: true });
  try {
    const { stdout, stderr, ...cost } = runTimed(argv, cpus, `${output}.times`, limitSeconds);
    return {
      ...cost,
      outputBytes: statSync(output).size,
      filterSeconds: readFilterSeconds(stdout, stderr),
      pages: countPages(output),
    };
  } finally {
    rmSync(output, { force: true });
  }
}

/**
 * Runs one program to its end.
 * @param times a file for GNU time; removed afterwards.
 * @throws OverTimeError; Error when the program fails, with what it printed.
 */
export function runTimed(
  argv: readonly string[],
  cpus: string,
  times: string,
  limitSeconds?: number,
): Cost & { readonly diskBytes: number; readonly stdout: string; readonly stderr: string } {
  // Ends the program itself and all it started, not only GNU time.
  const bounded = limitSeconds === undefined ? [] : ['timeout', '-k', '5', `${limitSeconds}`];
  const words = ['taskset', '-c', cpus, ...bounded, program, '-q', '-o', times, '-f', '%e %U %S %M %I', ...argv];
  const startedAt = performance.now();
  const { status, signal, error, stdout, stderr } = spawnSync(words[0], words.slice(1), {
    encoding: 'utf8',
    stdio: ['ignore', 'pipe', 'pipe'],
    env: { ...process.env, LC_ALL: 'C' },
    maxBuffer: 64 * 1024 * 1024,
    timeout: timeoutMs,
    killSignal: 'SIGKILL',
  });
  const wallSeconds = (performance.now() - startedAt) / 1000;
  try {
    if (limitSeconds !== undefined && status === statusOfTimeout)
      throw new OverTimeError(`Cannot measure "${argv.join(' ')}": still running after ${limitSeconds} s`);
    if (status !== 0) {
      const printed = `${error?.message ?? ''}\n${stdout?.slice(-1000)}\n${stderr?.slice(-1000)}`.trim();
      throw new Error(`Cannot measure "${argv.join(' ')}": status ${status ?? signal}, expected 0\n${printed}`);
    }
    const [, user, system, peakKib, blocks] = readFileSync(times, 'utf8').trim().split(' ').map(Number);
    return {
      wallSeconds,
      cpuSeconds: user + system,
      peakBytes: peakKib * 1024,
      diskBytes: blocks * timeBlock,
      stdout,
      stderr,
    };
  } finally {
    rmSync(times, { force: true });
  }
}

/** The median of each number by itself. @throws RangeError when there are no runs. */
export function median(runs: readonly Run[]): Run {
  const of = (pick: (run: Run) => number): number => middle(runs.map(pick));
  return {
    wallSeconds: of((run) => run.wallSeconds),
    cpuSeconds: of((run) => run.cpuSeconds),
    peakBytes: of((run) => run.peakBytes),
    outputBytes: of((run) => run.outputBytes),
    filterSeconds: of((run) => run.filterSeconds),
    pages: of((run) => run.pages),
    diskBytes: of((run) => run.diskBytes),
  };
}
