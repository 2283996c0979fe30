/** What a figure depends on beside the programs: the machine, its kernel, the codec libraries. */
import { globSync, readFileSync } from 'node:fs';
import { availableParallelism, cpus, loadavg, release, totalmem } from 'node:os';
import { basename, dirname, join } from 'node:path';

export type Surroundings = {
  /** ISO 8601. */
  readonly date: string;
  readonly processor: string;
  readonly cpus: number;
  readonly memoryBytes: number;
  readonly kernel: string;
  /** Of the last minute, before the first run. */
  readonly load: number;
  /** Versions of libzstd. */
  readonly zstd: { readonly ours: string; readonly theirs: string };
};

/** @param theirCommand The words that start makedumpfile: its loader stands among its libraries. */
export function surroundings(theirCommand: readonly string[]): Surroundings {
  return {
    date: new Date().toISOString(),
    processor: cpus()[0].model,
    cpus: availableParallelism(),
    memoryBytes: totalmem(),
    kernel: release(),
    load: loadavg()[0],
    zstd: { ours: ourZstd(), theirs: theirZstd(dirname(theirCommand[0])) },
  };
}

/** Of the library that the build put into the executable: its version stands in it as `\0 1.5.7 \0`. */
function ourZstd(): string {
  const library = join(import.meta.dirname, '../../agent/sys/native/libzstd.so');
  return /\0(1\.\d+\.\d+)\0/.exec(readFileSync(library, 'latin1'))?.[1] ?? 'unknown';
}

/** Debian's file name ends in the version. */
function theirZstd(folder: string): string {
  const [file = ''] = globSync(join(folder, 'libzstd.so.*.*.*'));
  return basename(file).replace('libzstd.so.', '') || 'unknown';
}
