/**
 * Struct pages in pieces that can be read without asking the page tables again.
 *
 * Comes in: a block of the mem_map. Goes out: `StructPageReader`, which makes the struct pages of a run of page frames present in one
 * array: straight from the file's window where they are physically contiguous, else gathered into a buffer.
 */
import type { Pfn, PhysAddr, VirtAddr } from '../binary/units.ts';
import type { MemoryWindow, PhysicalMemory } from '../vmcore/physical-memory.ts';
import type { KernelMemory, MemMapBlock } from './mem-map.ts';

/**
 * Struct pages that lie at one place in physical memory: that of `pfn` is at `structPagesPhysical + (pfn - startPfn) * SIZE(page)`.
 * `structPagesPhysical` undefined: they cannot be read.
 */
export type PageRun = { readonly startPfn: Pfn; readonly endPfn: Pfn; readonly structPagesPhysical: PhysAddr | undefined };

/**
 * A head page finds its first tail in the next struct page. Compound pages are aligned to their size, so a run that ends at a multiple of this
 * many page frames never parts the two.
 */
export const pagesPerBatch = 512;

/** The smallest page any supported kernel has; mappings are at least as long. */
const smallestPage = 4096n;

export class StructPageReader {
  readonly #memory: PhysicalMemory;
  readonly #virtual: KernelMemory;
  readonly #sizeBytes: number;
  readonly #window: MemoryWindow;
  readonly #gathered: Uint8Array;
  /** Where the struct pages read last are. Valid until the next `read`. */
  bytes: Uint8Array;
  /** Index in `bytes` at which the struct page asked for starts; −1 when it cannot be read. */
  first = -1;

  /**
   * @param sizeBytes SIZE(page).
   * @param buffer where a window that copies puts them; as long as the most that is read at a time.
   */
  constructor(memory: PhysicalMemory, virtual: KernelMemory, sizeBytes: number, buffer: Uint8Array) {
    this.#memory = memory;
    this.#virtual = virtual;
    this.#sizeBytes = sizeBytes;
    this.#window = memory.openWindow(buffer.length, buffer);
    this.#gathered = new Uint8Array(pagesPerBatch * sizeBytes);
    this.bytes = this.#gathered;
  }

  /**
   * Makes the struct pages from that of `pfn` on present in `bytes`, beginning at `first`.
   *
   * @param end no struct page at or after it is asked for; at most the block's end.
   * @returns the end of the run: the struct pages of `pfn … run end` are there, or (`first` −1) none of them can be read.
   */
  read(block: MemMapBlock, pfn: Pfn, end: Pfn): Pfn {
    const address = block.structPages + BigInt((pfn - block.startPfn) * this.#sizeBytes);
    const run = this.#runAt(address, pfn, end);
    const wanted = batchEnd(pfn, run.endPfn, end);
    if (run.structPagesPhysical !== undefined && wanted > pfn && this.#locate(run.structPagesPhysical, (wanted - pfn) * this.#sizeBytes))
      return wanted;
    return this.#gather(address, pfn, Math.min(end, nextBatch(pfn)));
  }

  close(): void {
    this.#window.close();
  }

  /** The longest run of whole struct pages from `address` on that one mapping and one piece of the file hold. */
  #runAt(address: VirtAddr, pfn: Pfn, end: Pfn): PageRun {
    const physical = this.#translate(address);
    if (physical === undefined) return { startPfn: pfn, endPfn: pfn, structPagesPhysical: undefined };
    const pages = Math.floor(Math.min(physical.contiguousBytes, this.#window.capacityBytes) / this.#sizeBytes);
    return { startPfn: pfn, endPfn: Math.min(end, pfn + pages), structPagesPhysical: physical.physical };
  }

  #translate(address: VirtAddr): { physical: PhysAddr; contiguousBytes: number } | undefined {
    try {
      const translation = this.#virtual.translate(address);
      if (translation === undefined) return undefined;
      const contiguousBytes = Math.min(translation.contiguousBytes, this.#memory.contiguousBytes(translation.physical));
      return contiguousBytes > 0 ? { physical: translation.physical, contiguousBytes } : undefined;
    } catch {
      return undefined;
    }
  }

  #locate(physical: PhysAddr, length: number): boolean {
    try {
      this.first = this.#window.locate(physical, length);
      this.bytes = this.#window.bytes;
      return true;
    } catch {
      return false;
    }
  }

  /** Copies struct pages mapping by mapping, because one of them may straddle two mappings. */
  #gather(address: VirtAddr, pfn: Pfn, end: Pfn): Pfn {
    const bytes = this.#copy(address, (end - pfn) * this.#sizeBytes);
    const pages = Math.floor(bytes / this.#sizeBytes);
    this.bytes = this.#gathered;
    this.first = pages > 0 ? 0 : -1;
    return pages > 0 ? pfn + pages : Math.min(end, pfn + this.#pagesBefore(address, nextMapping(address + BigInt(bytes))));
  }

  /** @returns how many bytes could be had before the first that could not. */
  #copy(address: VirtAddr, length: number): number {
    let done = 0;
    while (done < length) {
      const piece = this.#translate(address + BigInt(done));
      if (piece === undefined) break;
      const bytes = Math.min(piece.contiguousBytes, length - done);
      try {
        this.#memory.read(piece.physical, this.#gathered.subarray(done, done + bytes));
      } catch {
        break;
      }
      done += bytes;
    }
    return done;
  }

  /** How many struct pages from `address` on start before `limit`. */
  #pagesBefore(address: VirtAddr, limit: VirtAddr): number {
    return Math.max(1, Math.ceil(Number(limit - address) / this.#sizeBytes));
  }
}

function nextMapping(hole: VirtAddr): VirtAddr {
  return (hole / smallestPage + 1n) * smallestPage;
}

function nextBatch(pfn: Pfn): Pfn {
  return (Math.floor(pfn / pagesPerBatch) + 1) * pagesPerBatch;
}

/** Where a run in one piece may stop: at the very end, else at a multiple of `pagesPerBatch`. */
function batchEnd(pfn: Pfn, runEnd: Pfn, end: Pfn): Pfn {
  return runEnd >= end ? end : Math.max(pfn, Math.floor(runEnd / pagesPerBatch) * pagesPerBatch);
}
