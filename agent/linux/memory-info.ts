/**
 * How much memory the running machine has and what it is used for, as far as a dump is concerned.
 *
 * Comes in: `/proc/meminfo`, for root also `/proc/kpageflags` and `/proc/iomem`. Goes out: bytes by use, and how they were found.
 * Sources: fs/proc/meminfo.c, Documentation/admin-guide/mm/pagemap.rst, include/uapi/linux/kernel-page-flags.h.
 */
import type { Files } from '../sys/files-interface.ts';
import { type IomemRange, parseIomem } from './iomem.ts';

/** What all memory is used for, in bytes. The parts add up to the total. */
export type MemoryReport = {
  /** RAM the kernel manages and what it reserved at boot, as well as that is known; without the crash kernel's reservation. */
  readonly totalBytes: number;
  readonly freeBytes: number;
  /** Page cache. */
  readonly cacheBytes: number;
  /** Memory of processes. */
  readonly userBytes: number;
  /** The rest: what a dump of level 31 keeps. Pages of zeros cannot be told apart and count too. */
  readonly kernelBytes: number;
  /** `page flags`: the kernel's part was counted; `meminfo`: it is what sums leave over. */
  readonly source: 'page flags' | 'meminfo';
};

export type MemoryOptions = {
  /** Ask every page of the kernel, or samples when there are many. Only root may. Default true. */
  readonly pageFlags?: boolean;
};

/** `undefined` when `/proc/meminfo` cannot be read. */
export function readMemory(files: Files, options: MemoryOptions = {}): MemoryReport | undefined {
  const info = readMeminfo(files);
  if (!info.has('MemTotal')) return undefined;
  const ranges = capturedRanges(parseIomem(files.readTextIfThere('/proc/iomem') ?? ''));
  const ramBytes = ranges.reduce((sum, { start, end }) => sum + end - start, 0);
  const sums = reckonFromSums(info, ramBytes);
  const counted = options.pageFlags === false || ramBytes === 0 ? undefined : countPageFlags(files, ranges);
  if (counted === undefined) return { ...sums, source: 'meminfo' };
  // Not every free page has the mark of one (seen: 4 GiB of 22 on a 6.18 kernel); the sum knows of all.
  const kernelBytes = Math.max(0, counted.keptBytes - Math.max(0, sums.freeBytes - counted.freeBytes));
  // What the flags call droppable and the sums do not know goes to the largest holder of such pages.
  const userBytes = Math.max(0, sums.totalBytes - kernelBytes - sums.freeBytes - sums.cacheBytes);
  return { ...sums, userBytes, kernelBytes, source: 'page flags' };
}

/** `/proc/meminfo` by name, in bytes; empty when it cannot be read. */
export function readMeminfo(files: Pick<Files, 'readTextIfThere'>): ReadonlyMap<string, number> {
  return parseMeminfo(files.readTextIfThere('/proc/meminfo') ?? '');
}

/** Lines of `/proc/meminfo` in bytes. Lines that count pages (HugePages_…) are left out. */
export function parseMeminfo(text: string): ReadonlyMap<string, number> {
  const values = new Map<string, number>();
  for (const [, name, kib] of text.matchAll(/^([A-Za-z0-9_()]+):\s+(\d{1,15}) kB$/gm)) values.set(name, Number(kib) * 1024);
  return values;
}

/** Bytes of a page of the running kernel; 4096 when it does not say. @source getauxval(3), AT_PAGESZ */
export function readPageSize(files: Files): number {
  const auxiliary = readOrEmpty(files, '/proc/self/auxv');
  const view = new DataView(auxiliary.buffer, auxiliary.byteOffset, auxiliary.byteLength);
  for (let at = 0; at + 16 <= auxiliary.length; at += 16) {
    const value = Number(view.getBigUint64(at + 8, true));
    if (view.getBigUint64(at, true) === 6n && [4096, 16_384, 65_536].includes(value)) return value;
  }
  return 4096;
}

function readOrEmpty(files: Files, path: string): Uint8Array {
  try {
    return files.readBytes(path);
  } catch {
    return new Uint8Array(0);
  }
}

type AddressRange = { readonly start: number; readonly end: number };

/** System RAM without the crash kernel's reservation, which is not in a dump. Empty when the addresses are hidden. */
function capturedRanges(map: readonly IomemRange[]): readonly AddressRange[] {
  const reserved = map.filter(({ name }) => name === 'Crash kernel');
  const ranges = map.filter(({ name, depth }) => name === 'System RAM' && depth === 0);
  return ranges.flatMap((range) => subtract(range, reserved)).filter(({ start, end }) => end - start > 1);
}

function subtract(range: AddressRange, holes: readonly AddressRange[]): readonly AddressRange[] {
  let pieces: readonly AddressRange[] = [range];
  for (const hole of holes) {
    pieces = pieces.flatMap((piece) => {
      const before = { start: piece.start, end: Math.min(piece.end, hole.start) };
      const after = { start: Math.max(piece.start, hole.end), end: piece.end };
      return [before, after].filter(({ start, end }) => end > start);
    });
  }
  return pieces;
}

/** A `struct page` has 64 bytes on every kernel with 64-bit addresses that anyone ships. */
const bytesOfStructPage = 64;

/** What is neither free nor page cache nor a process's; what was reserved before memory management began belongs to the kernel too. */
function reckonFromSums(info: ReadonlyMap<string, number>, ramBytes: number): Omit<MemoryReport, 'source'> {
  const of = (...names: string[]) => names.reduce((sum, name) => sum + (info.get(name) ?? 0), 0);
  const managed = of('MemTotal');
  // Hidden addresses: the table of pages is the largest part of what is missing in MemTotal.
  const totalBytes = ramBytes > managed ? ramBytes : managed + (managed / 4096) * bytesOfStructPage;
  const freeBytes = Math.min(of('MemFree'), totalBytes);
  const cacheBytes = Math.min(of('Cached', 'Buffers', 'SwapCached'), totalBytes - freeBytes);
  const userBytes = Math.min(of('AnonPages', 'Hugetlb'), totalBytes - freeBytes - cacheBytes);
  return { totalBytes, freeBytes, cacheBytes, userBytes, kernelBytes: totalBytes - freeBytes - cacheBytes - userBytes };
}

/** Bits of a page's 64-bit word. @source include/uapi/linux/kernel-page-flags.h */
const flag = { lru: 5, buddy: 10, anon: 12, swapCache: 13, huge: 17, hwpoison: 19, noPage: 20, offline: 23 } as const;
const droppedFlags = Object.values(flag).reduce((mask, bit) => mask + 2 ** bit, 0);

/** At most this many pages are asked, so that the answer comes at once on any machine: 4 Mi pages take about 0.2 s. */
const sampleLimit = 4 * 1024 * 1024;
const chunkPages = 16_384;

/** Bytes with no mark that lets a dump drop them, and bytes marked free; `undefined` when the flags cannot be read. */
function countPageFlags(files: Files, ranges: readonly AddressRange[]): { keptBytes: number; freeBytes: number } | undefined {
  const pageBytes = readPageSize(files);
  const total = ranges.reduce((sum, { start, end }) => sum + Math.floor((end - start) / pageBytes), 0);
  const stride = Math.max(1, Math.ceil(total / sampleLimit));
  const counts = { asked: 0, kept: 0, free: 0 };
  try {
    let chunk = 0;
    for (const { start, end } of ranges) {
      const last = Math.floor(end / pageBytes);
      for (let pfn = Math.ceil(start / pageBytes); pfn < last; pfn += chunkPages, chunk++) {
        if (chunk % stride !== 0) continue;
        const words = files.readAt('/proc/kpageflags', pfn * 8, Math.min(chunkPages, last - pfn) * 8);
        addCounts(words, counts);
      }
    }
  } catch {
    return undefined;
  }
  if (counts.asked === 0) return undefined;
  const toBytes = (pages: number) => Math.round((pages / counts.asked) * total) * pageBytes;
  return { keptBytes: toBytes(counts.kept), freeBytes: toBytes(counts.free) };
}

function addCounts(words: Uint8Array, counts: { asked: number; kept: number; free: number }): void {
  const view = new DataView(words.buffer, words.byteOffset, words.byteLength);
  for (let at = 0; at + 8 <= words.length; at += 8) {
    const flags = view.getUint32(at, true);
    counts.asked++;
    if ((flags & droppedFlags) === 0) counts.kept++;
    if ((flags & (1 << flag.buddy)) !== 0) counts.free++;
  }
}
