/**
 * How large a dump of this machine would be now and how long it would take: a plain model with measured ratios, said to be an estimate.
 *
 * Ratios: compressed size of the pages a dump of level 31 keeps, measured on a 6 GiB machine with 1.6 GiB kept. Speeds: one CPU of the capture kernel,
 * with a disk that writes 100 MB/s; faster disks need less.
 *
 * Held against a crash of a 1.25 GiB guest (Linux 6.1): 206.8 MB kept by page flags, 208.3 MB found; 47.6 MB of file, 31.6 MB found, as two pages in five held
 * nothing but zeros. Estimates err to this side.
 */
import type { Collector } from '../../config/configuration.ts';
import type { MemoryReport } from '../../linux/memory-info.ts';

export type DumpEstimate = {
  /** Memory a dump keeps, before compression. */
  readonly keptBytes: number;
  /** The file. */
  readonly dumpBytes: number;
  /** What should be free: dumps of one machine differ by this much from crash to crash. */
  readonly wantedBytes: number;
  readonly seconds: number;
  readonly source: MemoryReport['source'];
};

const ratios: Readonly<Record<string, number>> = { zstd: 0.23, zlib: 0.23, lzo: 0.29, snappy: 0.31, none: 1 };
const margin = 1.5;
const secondsPerScannedByte = 30e-9 / 4096;
const compressedBytesPerSecond: Readonly<Record<string, number>> = { zstd: 400e6, zlib: 80e6, lzo: 600e6, snappy: 600e6, none: 1500e6 };
const diskBytesPerSecond = 100e6;
/** From the panic to the first page: the capture kernel starts, finds the disk and mounts it. */
const startSeconds = 10;

/** `undefined`: a program of the administrator's own does the work, and nobody knows what it keeps. */
export function estimateDump(memory: MemoryReport, collector: Collector): DumpEstimate | undefined {
  if (collector.kind !== 'own') return undefined;
  const level = collector.levels[0] ?? 31;
  const codec = collector.format === 'elf' ? 'none' : (collector.codec ?? 'none');
  const keptBytes =
    memory.kernelBytes + (level & 2 ? 0 : memory.cacheBytes) + (level & 8 ? 0 : memory.userBytes) + (level & 16 ? 0 : memory.freeBytes);
  const dumpBytes = Math.round(keptBytes * (ratios[codec] ?? 1));
  const copySeconds = Math.max(keptBytes / (compressedBytesPerSecond[codec] ?? 1e8), dumpBytes / diskBytesPerSecond);
  return {
    keptBytes,
    dumpBytes,
    wantedBytes: Math.round(dumpBytes * margin),
    seconds: Math.ceil(startSeconds + memory.totalBytes * secondsPerScannedByte + copySeconds),
    source: memory.source,
  };
}
