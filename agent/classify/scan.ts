/**
 * Which pages stay: every struct page of the machine once, in PFN order. The hot loop of the filter.
 *
 * Comes in: memory, VMCOREINFO, the kernel's virtual memory, a dump level. Goes out: the bitmap of the pages to write (zero pages still in
 * it: they are found while copying) and how many pages of each kind there are. What cannot be read is kept, and told.
 *
 * Pages are visited as the memory holds them; a page that heads a block (compound page, free block) decides for all of the block, and the scan goes
 * on behind it. A block may reach over the end of a batch, of a mapping, of a scanned range.
 */
import type { Pfn, PfnRange } from '../binary/units.ts';
import { Bitmap } from '../bitmap/bitmap.ts';
import { type KernelMemory, type MemMap, type MemMapBlock, openMemMap } from '../memory-model/mem-map.ts';
import { MemoryModelError, unreadable } from '../memory-model/memory-model-error.ts';
import { type PageLayout, pageLayout } from '../memory-model/page-layout.ts';
import { pagesPerBatch, StructPageReader } from '../memory-model/page-run.ts';
import type { PhysicalMemory } from '../vmcore/physical-memory.ts';
import type { Vmcoreinfo } from '../vmcoreinfo/vmcoreinfo.ts';
import { type CompoundRules, compoundPages, compoundRules, freeBlockPages, isHugetlb } from './compound.ts';
import { dumpLevel, emptyCounts, type PageCounts, PageKind } from './page-kind.ts';
import { classifyPage, type PageRules, pageRules } from './rules.ts';

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
   * @returns bit i belongs to page frame `window.start + i`.
   */
  scan(window: PfnRange): Bitmap;
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
    const model = { layout, memMap, rules, reader: new StructPageReader(memory, virtual, layout.sizeBytes) };
    return new Scanner(options, model, [...warnings, ...memMap.warnings]);
  } catch (error) {
    if (!(error instanceof MemoryModelError) || (level & needsStructPages) !== 0) throw error;
    return new Scanner(options, undefined, [`${error.message}; broken and offline pages are not told apart from others`]);
  }
}

type Model = { readonly layout: PageLayout; readonly memMap: MemMap; readonly rules: PageRules; readonly reader: StructPageReader };

/** Positions in a struct page, in words of 32 bits. */
type WordLayout = {
  readonly words: number;
  readonly flags: number;
  readonly mapping: number;
  readonly mapcount: number;
  readonly private: number;
  readonly compoundHead: number;
  /** Bit of the compound head word that marks a tail page; no bit where the kernel has none. */
  readonly tailMask: number;
};

class Scanner implements PageScanner {
  readonly #memory: PhysicalMemory;
  readonly #model: Model | undefined;
  readonly #onProgress: (donePfns: number, totalPfns: number) => void;
  readonly #warnings: readonly string[];
  readonly #layout: WordLayout | undefined;
  readonly #rules: PageRules | undefined;
  readonly #compound: CompoundRules | undefined;
  /** Pages dropped by kind. */
  readonly #dropped = new Float64Array(8);
  #held = 0;
  #existing = 0;
  #scannedPfns = 0;
  #unreadable = 0;
  #readable = 0;
  #badFreeBlocks = 0;
  /** The window being filled. */
  #kept = new Bitmap(0);
  #base: Pfn = 0;
  /** End and kind of the block dropped last, which may reach beyond what was scanned. */
  #blockEnd: Pfn = 0;
  #blockKind: PageKind = PageKind.kept;

  constructor({ memory, onProgress }: ScanOptions, model: Model | undefined, warnings: readonly string[]) {
    this.#memory = memory;
    this.#model = model;
    this.#onProgress = onProgress ?? (() => {});
    this.#warnings = warnings;
    if (model === undefined) return;
    this.#layout = wordLayout(model.layout);
    this.#rules = model.rules;
    this.#compound = compoundRules(model.layout);
  }

  scan(window: PfnRange): Bitmap {
    this.#base = window.start;
    this.#kept = this.#heldPages(window);
    this.#scannedPfns = window.end;
    this.#dropBlock(window.start, this.#blockEnd, this.#blockKind);
    if (this.#model !== undefined) this.#scanBlocks(this.#model, window);
    this.#onProgress(window.end, this.#memory.endPfn);
    return this.#kept;
  }

  counts(): PageCounts {
    const counts = emptyCounts();
    let dropped = 0;
    for (const kind of ['cache', 'cachePrivate', 'user', 'free', 'hwpoison', 'offline'] as const) {
      counts[kind] = this.#dropped[PageKind[kind]];
      dropped += counts[kind];
    }
    return { ...counts, original: this.#held, kept: this.#held - dropped, hole: this.#scannedPfns - this.#existing };
  }

  warnings(): readonly string[] {
    const warnings = [...this.#warnings];
    if (this.#unreadable > 0) warnings.push(`The struct pages of ${this.#unreadable} pages cannot be read; these pages are kept`);
    if (this.#badFreeBlocks > 0)
      warnings.push(`${this.#badFreeBlocks} free blocks have an order that does not exist; their pages are kept`);
    return warnings;
  }

  close(): void {
    this.#model?.reader.close();
  }

  #heldPages(window: PfnRange): Bitmap {
    const kept = new Bitmap(window.end - window.start);
    for (const { start, end } of this.#memory.ranges) kept.setRange(start - window.start, end - window.start);
    this.#held += kept.count();
    for (const { start, end } of this.#memory.existingRanges) {
      this.#existing += Math.max(0, Math.min(end, window.end) - Math.max(start, window.start));
    }
    return kept;
  }

  /** Every page frame that exists and has a struct page, in ascending order. */
  #scanBlocks({ memMap, reader }: Model, window: PfnRange): void {
    const ranges = this.#memory.existingRanges;
    let index = 0;
    for (const block of memMap.blocks) {
      while (index < ranges.length && ranges[index].end <= block.startPfn) index++;
      for (let i = index; i < ranges.length && ranges[i].start < block.endPfn; i++) {
        const start = Math.max(ranges[i].start, block.startPfn, window.start);
        this.#scanRange(reader, block, start, Math.min(ranges[i].end, block.endPfn, window.end));
      }
    }
    if (this.#readable === 0 && this.#unreadable > 0) {
      throw unreadable(`Cannot read struct pages of "${this.#memory.path}": none of ${this.#unreadable} is in the file`);
    }
  }

  #scanRange(reader: StructPageReader, block: MemMapBlock, start: Pfn, end: Pfn): void {
    const readEnd = Math.min(block.endPfn, Math.ceil(end / pagesPerBatch) * pagesPerBatch);
    for (let pfn = Math.max(start, this.#blockEnd); pfn < end; pfn = Math.max(pfn, this.#blockEnd)) {
      const batchEnd = reader.read(block, pfn, readEnd);
      if (reader.firstWord < 0) {
        this.#unreadable += Math.min(batchEnd, end) - pfn;
      } else {
        this.#readable += Math.min(batchEnd, end) - pfn;
        this.#scanBatch(reader.words, reader.firstWord, pfn, Math.min(batchEnd, end), batchEnd);
      }
      pfn = batchEnd;
      this.#onProgress(Math.min(pfn, end), this.#memory.endPfn);
    }
  }

  /**
   * @param first index in `words` of the struct page of `start`.
   * @param readEnd struct pages up to here are in `words`.
   */
  #scanBatch(words: Int32Array, first: number, start: Pfn, end: Pfn, readEnd: Pfn): void {
    const layout = this.#layout!;
    const rules = this.#rules!;
    const compound = this.#compound!;
    const step = layout.words;
    let at = first;
    let pfn = start;
    while (pfn < end) {
      let pages = 1;
      // A tail page goes with its head: had the head been dropped, the scan would not have come here.
      if ((words[at + layout.compoundHead] & layout.tailMask) === 0) {
        const flags = words[at + layout.flags];
        const mapcount = words[at + layout.mapcount];
        const isHead = (flags & compound.headMask) !== 0 && pfn + 1 < readEnd && pfn % pagesPerBatch !== pagesPerBatch - 1;
        const hugetlb = isHead && isHugetlb(compound, words, at, at + step);
        const kind = classifyPage(rules, flags, words[at + layout.mapping], mapcount, hugetlb);
        if (kind !== PageKind.kept) {
          if (kind === PageKind.free) pages = this.#freePages(words, at, mapcount);
          else if (isHead) pages = compoundPages(compound, words, at + step, pfn);
          if (pages === 0) pages = 1;
          else if (pages === 1) this.#dropPage(pfn, kind);
          else this.#dropBlock(pfn, pfn + pages, kind);
        }
      }
      pfn += pages;
      at += pages * step;
    }
  }

  #freePages(words: Int32Array, at: number, mapcount: number): number {
    const compound = this.#compound!;
    // Only blocks of the highest order wait to be accepted.
    if (mapcount === this.#rules!.unacceptedType) return 2 ** (compound.freeOrders - 1);
    const privateWord = at + this.#layout!.private;
    const pages = freeBlockPages(compound, words[privateWord], words[privateWord + 1]);
    if (pages === 0) this.#badFreeBlocks++;
    return pages;
  }

  #dropPage(pfn: Pfn, kind: PageKind): void {
    const bit = pfn - this.#base;
    if (!this.#kept.has(bit)) return;
    this.#kept.clear(bit);
    this.#dropped[kind]++;
  }

  #dropBlock(start: Pfn, end: Pfn, kind: PageKind): void {
    this.#dropped[kind] += this.#kept.clearRange(start - this.#base, end - this.#base);
    this.#blockEnd = end;
    this.#blockKind = kind;
  }
}

function wordLayout(layout: PageLayout): WordLayout {
  return {
    words: layout.sizeBytes / 4,
    flags: layout.flags / 4,
    mapping: layout.mapping / 4,
    // A member that the kernel does not have is read from another place, and never matches: its types, or its mask, are empty.
    mapcount: (layout.mapcount ?? layout.flags) / 4,
    private: (layout.private ?? layout.flags) / 4,
    compoundHead: (layout.compoundHead ?? layout.flags) / 4,
    tailMask: layout.compoundHead === undefined ? 0 : 1,
  };
}
