/**
 * Which bytes of physical memory lie where in an ELF file.
 *
 * Comes in: the PT_LOADs as they stand. They may overlap (x86_64 describes the kernel's text a second time), start and end inside a
 * page, and promise more memory than the file holds. Goes out: disjoint extents in ascending order, and the page ranges a dump has.
 */
import { firstEndingAfter } from '../binary/pfn-ranges.ts';
import type { PfnRange, PhysAddr } from '../binary/units.ts';
import type { LoadSegment } from './physical-memory.ts';

/** Physical bytes `starts[i] … ends[i]` lie in the file at `address + shifts[i]`. */
export type Extents = { readonly starts: Float64Array; readonly ends: Float64Array; readonly shifts: Float64Array };

/**
 * Where two segments hold the same byte, the first one in the table gives it. Extents that go on in memory and in the file
 * are one.
 */
export function buildExtents(segments: readonly LoadSegment[]): Extents {
  const held = segments.filter((segment) => segment.fileBytes > 0);
  const bounds = Float64Array.from(new Set(held.flatMap((segment) => [segment.physicalAddress, fileEnd(segment)]))).sort();
  const owners = claim(held, bounds);
  const starts: number[] = [];
  const ends: number[] = [];
  const shifts: number[] = [];
  for (let i = 0; i < owners.length; i++) {
    if (owners[i] < 0) continue;
    const { fileOffset, physicalAddress } = held[owners[i]];
    const shift = fileOffset - physicalAddress;
    const last = ends.length - 1;
    if (last >= 0 && ends[last] === bounds[i] && shifts[last] === shift) ends[last] = bounds[i + 1];
    else {
      starts.push(bounds[i]);
      ends.push(bounds[i + 1]);
      shifts.push(shift);
    }
  }
  return { starts: Float64Array.from(starts), ends: Float64Array.from(ends), shifts: Float64Array.from(shifts) };
}

/** The extent that holds the byte at `address`, or -1. */
export function findExtent(extents: Extents, address: PhysAddr): number {
  const index = firstEndAbove(extents, address);
  return index < extents.starts.length && extents.starts[index] <= address ? index : -1;
}

/** The first extent that ends above `address`; the number of extents when there is none. */
export function firstEndAbove(extents: Extents, address: PhysAddr): number {
  let low = 0;
  let high = extents.ends.length;
  while (low < high) {
    const middle = Math.floor((low + high) / 2);
    if (extents.ends[middle] > address) high = middle;
    else low = middle + 1;
  }
  return low;
}

/**
 * Page frames with data: a page belongs to the segment that holds its last byte, and has data when the file holds one of its bytes.
 * What no segment holds of such a page reads as zero. So a page that two segments share is there, and the rest of a
 * last page that nobody completes is not: the kernel does not use such a page either.
 */
export function dataRanges(segments: readonly LoadSegment[], pageSize: number): PfnRange[] {
  return mergeRanges(
    segments.map((segment) => ({
      start: Math.floor(segment.physicalAddress / pageSize),
      end: segment.fileBytes === 0 ? 0 : Math.min(wholePagesEnd(segment, pageSize), Math.ceil(fileEnd(segment) / pageSize)),
    })),
  );
}

/** Page frames that exist, with or without data in the file. */
export function existingRanges(segments: readonly LoadSegment[], pageSize: number): PfnRange[] {
  return mergeRanges(
    segments.map((segment) => ({
      start: Math.floor(segment.physicalAddress / pageSize),
      end: wholePagesEnd(segment, pageSize),
    })),
  );
}

/** True when some page of `ranges` does not lie in one extent, so that it cannot be shown without putting it together. */
export function hasSharedPages(extents: Extents, ranges: readonly PfnRange[], pageSize: number): boolean {
  const isCut = (address: number) => address % pageSize !== 0 && inRanges(ranges, Math.floor(address / pageSize));
  return extents.starts.some(isCut) || extents.ends.some(isCut);
}

/** @param ranges ascending and disjoint. */
export function inRanges(ranges: readonly PfnRange[], pfn: number): boolean {
  return rangeEnd(ranges, pfn) > pfn;
}

/** End of the range that holds `pfn`, or -1. */
export function rangeEnd(ranges: readonly PfnRange[], pfn: number): number {
  const range = ranges[firstEndingAfter(ranges, pfn)];
  return range !== undefined && range.start <= pfn ? range.end : -1;
}

function fileEnd(segment: LoadSegment): number {
  return segment.physicalAddress + segment.fileBytes;
}

function wholePagesEnd(segment: LoadSegment, pageSize: number): number {
  return Math.floor((segment.physicalAddress + segment.memoryBytes) / pageSize);
}

/**
 * For each gap between two neighbouring bounds, the segment that owns it, or -1. Each gap is claimed once: `next` leads
 * from a gap to the first one at or after it that is still free.
 */
function claim(segments: readonly LoadSegment[], bounds: Float64Array): Int32Array {
  const indexOf = new Map(Array.from(bounds, (bound, index) => [bound, index]));
  const owners = new Int32Array(Math.max(0, bounds.length - 1)).fill(-1);
  const next = Int32Array.from({ length: bounds.length + 1 }, (_, index) => index);
  const free = (gap: number): number => {
    let found = gap;
    while (next[found] !== found) found = next[found];
    for (let at = gap; at !== found; ) {
      const following = next[at];
      next[at] = found;
      at = following;
    }
    return found;
  };
  segments.forEach((segment, index) => {
    const end = indexOf.get(fileEnd(segment))!;
    for (let gap = free(indexOf.get(segment.physicalAddress)!); gap < end; gap = free(gap)) {
      owners[gap] = index;
      next[gap] = gap + 1;
    }
  });
  return owners;
}

function mergeRanges(ranges: readonly PfnRange[]): PfnRange[] {
  const merged: { start: number; end: number }[] = [];
  for (const range of ranges.filter(({ start, end }) => start < end).sort((a, b) => a.start - b.start)) {
    const last = merged.at(-1);
    if (last !== undefined && range.start <= last.end) last.end = Math.max(last.end, range.end);
    else merged.push({ ...range });
  }
  return merged;
}
