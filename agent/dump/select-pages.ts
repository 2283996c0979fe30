/**
 * Which pages go into the dump. When the memory model cannot be read, levels 0 and 1 keep everything and say so; a higher level refuses,
 * because filtering by guess would make a wrong dump.
 *
 * Pages are selected in windows. One is enough for most machines: its bitmap is made at once, and kept. Where the bitmap is larger than the memory
 * there is for it, every pass over the windows scans the machine anew.
 */
import { Bitmap } from '../bitmap/bitmap.ts';
import { type BitmapWindow, type BitmapWindows, cutIntoWindows, rangesInWindows } from '../bitmap/windows.ts';
import { emptyCounts, type PageCounts } from '../classify/page-kind.ts';
import { openPageScanner, type PageScanner } from '../classify/scan.ts';
import { KcaptureError } from '../errors.ts';
import { missingKeys } from '../vmcoreinfo/keys.ts';
import { checkExtent } from './check-extent.ts';
import { requireVirtual, type Kernel } from './open-kernel.ts';
import type { Progress } from './progress.ts';

export type Selection = {
  readonly kept: BitmapWindows;
  /** Known after the first pass over the windows. */
  readonly counts: PageCounts;
  /** Those of the first pass. */
  readonly warnings: readonly string[];
  /** Spent on passes over the windows. */
  readonly passMs: number;
  close(): void;
};

/** Levels up to this one need no knowledge of the pages but for the safety of broken and offline memory. */
const highestBlindLevel = 1;

export type SelectOptions = {
  /** Bits of the bitmap that are in memory at a time. Default: all, and `kept` is one `Bitmap`. */
  readonly windowPages?: number;
  /** For `passMs`. Default: a clock that stands still. */
  readonly now?: () => number;
};

/**
 * With several windows nothing is scanned before the first pass over them, which throws what this does; but for the levels that keep everything in the
 * end: what they cannot filter has to be known before the first window goes out.
 *
 * @throws VmcoreError as `checkExtent`; MemoryModelError, AddressError, VmcoreinfoError when `level` filters by page and the pages cannot be told apart.
 */
export function selectPages(kernel: Kernel, level: number, progress: Progress, options: SelectOptions = {}): Selection {
  const { memory, info } = kernel;
  const { windowPages = Number.POSITIVE_INFINITY, now = () => 0 } = options;
  checkExtent(memory);
  const refuse = (error: unknown) => refuseOrWarn(error, kernel, level);
  let selection: ScannedPages | undefined;
  try {
    const listener = { onProgress: (_done: number) => {} };
    const onProgress = (done: number) => listener.onProgress(done);
    const scanner = openPageScanner({ memory, info, virtual: requireVirtual(kernel), level, onProgress });
    selection = new ScannedPages(kernel, scanner, { windowPages, now, progress, listener, refuse });
    if (selection.kept.windowCount === 1 || level <= highestBlindLevel) selection.count();
    return selection;
  } catch (error) {
    selection?.close();
    return keepEverything(kernel, refuse(error), windowPages);
  }
}

type PassOptions = Required<SelectOptions> & {
  readonly progress: Progress;
  /** Whom the scanner tells how far it is. */
  readonly listener: { onProgress: (done: number) => void };
  /** Throws what is to be said of an error, or returns when everything may be kept. */
  readonly refuse: (error: unknown) => string;
};

class ScannedPages implements Selection {
  /** A bitmap once it is known that one window is all. */
  kept: BitmapWindows;
  counts: PageCounts = emptyCounts();
  warnings: readonly string[] = [];
  passMs = 0;
  readonly #kernel: Kernel;
  readonly #scanner: PageScanner;
  readonly #options: PassOptions;
  /** Where the bitmap of each window lies. */
  readonly #bytes: Uint8Array;
  #isCounted = false;

  constructor(kernel: Kernel, scanner: PageScanner, options: PassOptions) {
    this.#kernel = kernel;
    this.#scanner = scanner;
    this.#options = options;
    const { endPfn } = kernel.memory;
    const cut = cutIntoWindows(endPfn, options.windowPages);
    this.#bytes = new Bitmap(cut.range(0).end).bytes;
    this.kept = cut.count === 0 ? new Bitmap(0) : { sizeBits: endPfn, windowCount: cut.count, windows: () => this.#pass() };
  }

  /** The first pass, for what it finds out. @throws what the scanner throws, as it is. */
  count(): void {
    for (const _ of this.#count());
  }

  close(): void {
    this.#scanner.close();
  }

  *#pass(): Generator<BitmapWindow> {
    try {
      yield* this.#isCounted ? this.#scan() : this.#count();
    } catch (error) {
      this.#options.refuse(error);
      throw error;
    }
  }

  /** It is a step of its own, and finds out how many pages there are. */
  *#count(): Generator<BitmapWindow> {
    const { memory } = this.#kernel;
    const { progress, listener } = this.#options;
    progress.start('filtering', memory.endPfn, memory.pageSize);
    listener.onProgress = (done) => progress.update(done);
    try {
      yield* this.#scan();
      this.counts = this.#scanner.counts();
      this.warnings = this.#scanner.warnings();
      this.#isCounted = true;
    } finally {
      listener.onProgress = () => {};
      progress.end();
    }
  }

  *#scan(): Generator<BitmapWindow> {
    const { windowPages, now } = this.#options;
    const cut = cutIntoWindows(this.kept.sizeBits, windowPages);
    this.#scanner.restart();
    for (let index = 0; index < cut.count; index++) {
      const window = cut.range(index);
      const since = now();
      const bits = this.#scanner.scan(window, this.#bytes);
      this.passMs += now() - since;
      if (cut.count === 1) this.kept = bits;
      yield { start: window.start, bits };
    }
  }
}

function keepEverything({ memory }: Kernel, warning: string, windowPages: number): Selection {
  const { endPfn, ranges } = memory;
  const original = ranges.reduce((sum, { start, end }) => sum + end - start, 0);
  const counts = { ...emptyCounts(), original, kept: original, hole: endPfn - original };
  const kept = endPfn <= windowPages ? Bitmap.fromRanges(endPfn, ranges) : rangesInWindows(endPfn, ranges, windowPages);
  return { kept, counts, warnings: [warning], passMs: 0, close() {} };
}

/** @returns what to say when everything is kept for this error. @throws the error, when that is not what `level` asks for. */
function refuseOrWarn(error: unknown, kernel: Kernel, level: number): string {
  if (!(error instanceof KcaptureError)) throw error;
  if (level > highestBlindLevel) throw withLevelHint(error, kernel, level);
  return `Broken and offline pages are not left out: ${error.message}`;
}

function withLevelHint(error: KcaptureError, { info, memory }: Kernel, level: number): KcaptureError {
  const missing = missingKeys(info, memory.machine, 'filter');
  const lacks = missing.length === 0 ? '' : `VMCOREINFO lacks ${missing.join(', ')}. `;
  return new KcaptureError(error.code, `Cannot filter at level ${level}: ${error.message}`, {
    where: error.where,
    hint: `${lacks}Dump all pages with -d 0, or all but pages of zeros with -d 1`,
    cause: error,
  });
}
