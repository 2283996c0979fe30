/** How cost grows with the memory of the machine: other vmcores of real machines here, and a kept result about simulated larger ones. */
import { existsSync, readFileSync, statSync } from 'node:fs';
import { basename, join } from 'node:path';
import { cacheFolder } from '../cache.ts';
import { compareDumps, type DumpBench } from './compare-dumps.ts';
import { comparisons } from './comparisons.ts';
import type { Entry } from './entries.ts';

export type MemorySize = {
  /** File name of the vmcore. */
  readonly name: string;
  readonly vmcoreBytes: number;
  /** One worker each, `-z -d 31`: theirs, and ours at its default level. */
  readonly entries: readonly Entry[];
};

/** @param vmcores Paths. */
export function compareSizes(bench: Omit<DumpBench, 'vmcore' | 'workers'>, vmcores: readonly string[]): readonly MemorySize[] {
  const [zstd] = comparisons;
  const atDefault = { ...zstd, ours: zstd.ours.slice(0, 1) };
  return vmcores.map((vmcore) => {
    bench.say(`  ${vmcore}`);
    const vmcoreBytes = statSync(vmcore).size;
    return { name: basename(vmcore), vmcoreBytes, entries: compareDumps({ ...bench, vmcore, workers: [1] }, atDefault, 31) };
  });
}

/** Ours alone, on sparse vmcores of machines that do not exist: the memory map is whole, most of the memory is not kept. */
export type SimulatedMemory = {
  /** ISO 8601. */
  readonly date: string;
  /** Version line of our executable. */
  readonly ours: string;
  /** The command that repeats it. */
  readonly command: string;
  readonly machines: readonly {
    readonly memoryBytes: number;
    readonly pageBytes: number;
    readonly keptPages: number;
    readonly filterSeconds: number;
    readonly wallSeconds: number;
    readonly peakBytes: number;
  }[];
};

/** Where the latest such result is kept by whoever makes it. */
export const simulatedMemoryPath = join(cacheFolder, 'bench/simulated-memory.json');

/** Highest wanted cost of the filter at 64 GiB, in nanoseconds a page of memory. */
export const simulatedFilterTarget = { memoryBytes: 64 * 2 ** 30, nanoseconds: 8 };

/** Most bytes resident that are wanted on the largest. */
export const simulatedPeakTarget = { memoryBytes: 12 * 2 ** 40, bytes: 96 * 2 ** 20 };

/** A kept result, or undefined when there is none. @param path JSON of type `T`. */
export function readKept<T>(path: string): T | undefined {
  return existsSync(path) ? (JSON.parse(readFileSync(path, 'utf8')) as T) : undefined;
}
