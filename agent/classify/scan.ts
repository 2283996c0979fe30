/**
 * Which pages stay: every struct page of the machine once, in PFN order.
 *
 * Comes in: memory, VMCOREINFO, the kernel's virtual memory, a dump level. Goes out: the bitmap of the pages to write (zero pages still in
 * it: they are found while copying) and how many pages of each kind there are. What cannot be read is kept, and told.
 *
 * Pages are visited as the memory holds them; a page that heads a block (compound page, free block) decides for all of the block, and the scan goes
 * on behind it. A block may reach over the end of a batch, of a mapping, of a scanned range.
 */
import type { Pfn, PfnRange } from '../binary/units.ts';
import type { Bitmap } from '../bitmap/bitmap.ts';
import { countWithin, emptyBitmap, setWithin } from '../bitmap/windows.ts';
import { type KernelMemory, type MemMap, type MemMapBlock, openMemMap } from '../memory-model/mem-map.ts';
import { MemoryModelError, unreadable } from '../memory-model/memory-model-error.ts';
import { pageLayout } from '../memory-model/page-layout.ts';
import { pagesPerBatch, StructPageReader } from '../memory-model/page-run.ts';
import type { PhysicalMemory } from '../vmcore/physical-memory.ts';
import type { Vmcoreinfo } from '../vmcoreinfo/vmcoreinfo.ts';
import { BatchClassifier } from './batch.ts';
import { dumpLevel, emptyCounts, type PageCounts, PageKind } from './page-kind.ts';
import { pageRules } from './rules.ts';

export type ScanOptions = {
  readonly memory: PhysicalMemory;
  readonly info: Vmcoreinfo;
  /** Undefined when the kernel's page tables cannot be found. */
  readonly virtual: KernelMemory | undefined;
  /** Bits of `dumpLevel`. */
  readonly level: number;
  /** Called every few thousand pages. */
  readonly onProgress?: (donePfns: number, totalPfns: number) => void;
};

export type ScanResult = {
  /** One bit a page frame below `memory.endPfn`: the pages to write. */
  readonly kept: Bitmap;
  /** `zero` is 0, and zero pages count as kept. */
  readonly counts: PageCounts;
  /** What was kept because it could not be read, one sentence each. */
  readonly warnings: readonly string[];
};

/** Levels that need to know what a page is. */
const needsStructPages = dumpLevel.cache | dumpLevel.cachePrivate | dumpLevel.user | dumpLevel.free;

/**
 * Scans all memory.
 * @throws MemoryModelError `memory-model/unreadable`, `memory-model/unsupported` when the level needs struct pages and there are none.
 */
export function scanPages(options: ScanOptions): ScanResult {
  const scanner = openPageScanner(options);
  try {
    const kept = scanner.scan({ start: 0, end: options.memory.endPfn });
    return { kept, counts: scanner.counts(), warnings: scanner.warnings() };
  } finally {
    scanner.close();
  }
}

/** Scans memory window by window, for machines whose whole bitmap is too large. */
export interface PageScanner {
  /**
   * The pages to write of one window. Windows follow each other without a gap, starting at page frame 0.
   * @param bytes where the bitmap may lie, if there are enough of them.
   * @returns bit i belongs to page frame `window.start + i`.
   * @throws MemoryModelError `memory-model/unreadable` at the end of the last window, when the struct pages made no sense.
   */
  scan(window: PfnRange, bytes?: Uint8Array): Bitmap;
  /** The next window starts at page frame 0 again; counts and warnings begin anew. */
  restart(): void;
  /** Of all windows so far. */
  counts(): PageCounts;
  warnings(): readonly string[];
  close(): void;
}

/** @throws as `scanPages` does. */
export function openPageScanner(options: ScanOptions): PageScanner {
  const { memory, info, virtual, level } = options;
  if (
    (level & needsStructPages) === 0 &&
    info.number('PG_hwpoison') === undefined &&
    info.number('PAGE_OFFLINE_MAPCOUNT_VALUE') === undefined
  ) {
    return new Scanner(options, undefined, []);
  }
  try {
    if (virtual === undefined) throw unreadable(`Cannot find struct pages of "${memory.path}": its page tables cannot be read`);
    const layout = pageLayout(info);
    const memMap = openMemMap({ memory, info, virtual, layout });
    const { rules, warnings } = pageRules(layout, level);
    const batch = new BatchClassifier(layout, rules);
    const model = { memMap, reader: new StructPageReader(memory, virtual, layout.sizeBytes, batch.structPages), batch };
    return new Scanner(options, model, [...warnings, ...memMap.warnings]);
  } catch (error) {
    if (!(error instanceof MemoryModelError) || (level & needsStructPages) !== 0) throw error;
    return new Scanner(options, undefined, [`${error.message}; broken and offline pages are not told apart from others`]);
  }
}

type Model = { readonly memMap: MemMap; readonly reader: StructPageReader; readonly batch: BatchClassifier };

/** So many blocks that are not aligned to their size cannot be damage here and there: the struct pages are not where we look. */
const nonsenseBlocks = 16;

class Scanner implements PageScanner {
  readonly #memory: PhysicalMemory;
  readonly #model: Model | undefined;
  readonly #onProgress: (donePfns: number, totalPfns: number) => void;
  readonly #warnings: readonly string[];
  #held = 0;
  #existing = 0;
  #scannedPfns = 0;
  #unreadable = 0;
  #readable = 0;

  constructor({ memory, onProgress }: ScanOptions, model: Model | undefined, warnings: readonly string[]) {
    this.#memory = memory;
    this.#model = model;
    this.#onProgress = onProgress ?? (() => {});
    this.#warnings = warnings;
  }

  scan(window: PfnRange, bytes?: Uint8Array): Bitmap {
    const kept = this.#heldPages(window, bytes);
    this.#scannedPfns = window.end;
    if (this.#model !== undefined) {
      this.#model.batch.startWindow(kept, window.start);
      this.#scanBlocks(this.#model, window);
      if (window.end >= this.#memory.endPfn) this.#checkSense(this.#model.batch);
    }
    this.#onProgress(window.end, this.#memory.endPfn);
    return kept;
  }

  restart(): void {
    this.#held = 0;
    this.#existing = 0;
    this.#scannedPfns = 0;
    this.#unreadable = 0;
    this.#readable = 0;
    this.#model?.batch.restart();
  }

  counts(): PageCounts {
    const counts = emptyCounts();
    let dropped = 0;
    for (const kind of ['cache', 'cachePrivate', 'user', 'free', 'hwpoison', 'offline'] as const) {
      counts[kind] = this.#model?.batch.dropped[PageKind[kind]] ?? 0;
      dropped += counts[kind];
    }
    return { ...counts, original: this.#held, kept: this.#held - dropped, hole: this.#scannedPfns - this.#existing };
  }

  warnings(): readonly string[] {
    const warnings = [...this.#warnings];
    const badBlocks = this.#model?.batch.badBlocks ?? 0;
    if (this.#unreadable > 0) warnings.push(`The struct pages of ${this.#unreadable} pages cannot be read; these pages are kept`);
    if (badBlocks > 0) warnings.push(`${badBlocks} blocks of pages have an order that cannot be theirs; their pages are kept`);
    return warnings;
  }

  close(): void {
    this.#model?.reader.close();
  }

  #heldPages(window: PfnRange, bytes: Uint8Array | undefined): Bitmap {
    const kept = emptyBitmap(window.end - window.start, bytes);
    this.#held += setWithin(kept, window, this.#memory.ranges);
    this.#existing += countWithin(window, this.#memory.existingRanges);
    return kept;
  }

  /** Every page frame that exists and has a struct page, in ascending order. */
  #scanBlocks(model: Model, window: PfnRange): void {
    const ranges = this.#memory.existingRanges;
    let index = 0;
    for (const block of model.memMap.blocks) {
      while (index < ranges.length && ranges[index].end <= block.startPfn) index++;
      for (let i = index; i < ranges.length && ranges[i].start < block.endPfn; i++) {
        const start = Math.max(ranges[i].start, block.startPfn, window.start);
        this.#scanRange(model, block, start, Math.min(ranges[i].end, block.endPfn, window.end));
      }
    }
  }

  #scanRange({ reader, batch }: Model, block: MemMapBlock, start: Pfn, end: Pfn): void {
    const readEnd = Math.min(block.endPfn, Math.ceil(end / pagesPerBatch) * pagesPerBatch);
    for (let pfn = Math.max(start, batch.blockEnd); pfn < end; pfn = Math.max(pfn, batch.blockEnd)) {
      const batchEnd = reader.read(block, pfn, readEnd);
      const pages = Math.min(batchEnd, end) - pfn;
      if (reader.first < 0) {
        this.#unreadable += pages;
      } else {
        this.#readable += pages;
        batch.classify(reader.bytes, reader.first, pfn, pages, batchEnd - pfn);
      }
      pfn += pages;
      this.#onProgress(pfn, this.#memory.endPfn);
    }
  }

  #checkSense({ goodBlocks, badBlocks }: BatchClassifier): void {
    const { path } = this.#memory;
    if (this.#readable === 0 && this.#unreadable > 0) {
      throw unreadable(`Cannot read struct pages of "${path}": none of ${this.#unreadable} is in the file`);
    }
    if (badBlocks >= nonsenseBlocks && badBlocks > goodBlocks) {
      const found = `${badBlocks} of ${badBlocks + goodBlocks} blocks of pages do not start at a multiple of their size`;
      throw unreadable(`Cannot trust the struct pages of "${path}": ${found}, expected all to do so`);
    }
  }
}
