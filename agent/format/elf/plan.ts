/**
 * Which PT_LOADs an ELF dump has, and what of each is stored.
 *
 * Comes in: the PT_LOADs of the vmcore and the bitmap of kept pages. Goes out: the PT_LOADs of the dump. A run of at least 256 pages that are left
 * out ends one and begins the next; its end is told by a file size below the memory size. Shorter runs are stored.
 *
 * @source makedumpfile IMPLEMENTATION, "ELF format"
 */
import type { Bitmap } from '../../bitmap/bitmap.ts';
import type { LoadSegment } from '../../vmcore/physical-memory.ts';

/** Shorter runs of pages to leave out cost less than another program header. */
export const shortestGapPages = 256;

export type ElfPlan = {
  /** In the order of the program headers; `fileOffset` counts from the start of the stored memory. */
  readonly segments: readonly PlannedSegment[];
  /** Pages that are not stored: fewer than the filter left out, because short runs are. */
  readonly excludedPages: number;
};

export type PlannedSegment = LoadSegment & {
  /** Index of the vmcore's PT_LOAD. */
  readonly source: number;
  /** False for a header that stores nothing and is not the last of its PT_LOAD: it has no offset in the file. */
  readonly hasPlace: boolean;
};

export function planElf(loads: readonly LoadSegment[], kept: Bitmap, pageSize: number): ElfPlan {
  const segments: PlannedSegment[] = [];
  let excludedPages = 0;
  let offset = 0;
  for (const [source, load] of loads.entries()) {
    const pieces = cutLoad(load, kept, pageSize);
    excludedPages += pieces.excludedPages;
    let address = load.physicalAddress;
    for (const [index, { memoryBytes, fileBytes }] of pieces.list.entries()) {
      const isLast = index === pieces.list.length - 1;
      segments.push({
        ...load,
        source,
        fileOffset: offset,
        hasPlace: fileBytes > 0 || isLast,
        physicalAddress: address,
        virtualAddress: load.virtualAddress + BigInt(address - load.physicalAddress),
        fileBytes,
        memoryBytes,
      });
      address += memoryBytes;
      offset += fileBytes;
    }
  }
  return { segments, excludedPages };
}

type Piece = { readonly memoryBytes: number; readonly fileBytes: number };

/** The pieces of one PT_LOAD. Bytes before its first page boundary are always stored, those after its last one are never. */
function cutLoad(load: LoadSegment, kept: Bitmap, pageSize: number): { list: Piece[]; excludedPages: number } {
  const loadEnd = load.physicalAddress + load.memoryBytes;
  const endPfn = Math.ceil(loadEnd / pageSize);
  /** Where a page ends, or the PT_LOAD inside it. */
  const endOf = (pfn: number) => Math.min(pfn * pageSize, loadEnd);
  const list: Piece[] = [];
  let excludedPages = 0;
  let start = load.physicalAddress;
  let pfn = Math.ceil(start / pageSize);
  let stored = endOf(pfn);
  for (;;) {
    const next = kept.nextSet(pfn);
    if (next >= endPfn || next === kept.sizeBits) {
      list.push({ memoryBytes: loadEnd - start, fileBytes: stored - start });
      return { list, excludedPages: excludedPages + Math.max(0, endPfn - pfn) };
    }
    const gap = next - pfn;
    if (gap >= shortestGapPages) {
      const nextStart = next * pageSize;
      list.push({ memoryBytes: nextStart - start, fileBytes: stored - start });
      excludedPages += gap;
      start = nextStart;
    }
    pfn = Math.min(kept.nextClear(next), endPfn);
    stored = endOf(pfn);
  }
}
