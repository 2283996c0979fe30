/**
 * makedumpfile as a witness: the release that knows the kernel, run on the raw vmcore, and its report by class.
 *
 * Bookworm's 1.7.2 knows kernels up to 6.1; for newer ones sid's 1.7.8 is run with its own libraries. It does not know 7.1's
 * `page.compound_info`; a build of the public HEAD, named by `KCAPTURE_MAKEDUMPFILE_HEAD`, is an exact witness there.
 */
import { existsSync } from 'node:fs';
import { command } from '../command.ts';
import { foreignProgram } from '../foreign-program.ts';
import type { Kernel } from '../kernels.ts';

export type Witness = {
  readonly argv: readonly string[];
  /** False: its filter is known to be wrong about tail pages on this kernel. */
  readonly exact: boolean;
};

export function makedumpfileFor(kernel: Kernel): Witness {
  if (kernel.name === '5.10' || kernel.name === '6.1') return { argv: ['makedumpfile'], exact: true };
  const head = process.env.KCAPTURE_MAKEDUMPFILE_HEAD;
  if (head !== undefined && existsSync(head)) return { argv: [head], exact: true };
  return { ...newestMakedumpfile(), exact: kernel.name !== '7.2' };
}

/** Sid's release. From 1.7.8 on, `--dump-dmesg` prints the caller of each record where the kernel stores it; 1.7.2 does not. */
export function newestMakedumpfile(): Witness {
  return { argv: foreignProgram('sid', 'makedumpfile', 'usr/bin/makedumpfile').argv, exact: true };
}

/** Pages by class. `kept` counts neither zero pages nor any other excluded ones. */
export type ReportedCounts = {
  readonly original: number;
  readonly zero: number;
  readonly cache: number;
  readonly cachePrivate: number;
  readonly user: number;
  readonly free: number;
  readonly hwpoison: number;
  readonly offline: number;
  readonly kept: number;
};

const labels: Readonly<Record<keyof ReportedCounts, string>> = {
  original: 'Original pages',
  zero: 'Pages filled with zero',
  cache: 'Non-private cache pages',
  cachePrivate: 'Private cache pages',
  user: 'User process data pages',
  free: 'Free pages',
  hwpoison: 'Hwpoison pages',
  offline: 'Offline pages',
  kept: 'Remaining pages',
};

/** Runs makedumpfile with its report printed. @returns Everything it printed. */
export function runMakedumpfile(witness: Witness, options: readonly string[], source: string, target: string): string {
  return command([...witness.argv, '-f', '--message-level', '31', ...options, source, target]);
}

/** @throws Error when a line of the report is missing. */
export function parseReport(text: string): ReportedCounts {
  const value = (label: string) => {
    const match = new RegExp(`${label}\\s*: 0x([0-9a-f]+)`).exec(text);
    if (match === null) throw new Error(`Cannot read makedumpfile's report: no line "${label}"\n${text.slice(-2000)}`);
    return Number.parseInt(match[1], 16);
  };
  return Object.fromEntries(Object.entries(labels).map(([key, label]) => [key, value(label)])) as ReportedCounts;
}
