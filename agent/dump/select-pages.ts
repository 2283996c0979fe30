/**
 * Which pages go into the dump. When the memory model cannot be read, levels 0 and 1 keep everything and say so; a higher level refuses,
 * because filtering by guess would make a wrong dump.
 *
 * Pages are selected at once, or in windows, for machines whose bitmap is larger than the memory there is for it: then every pass over the windows
 * scans the machine anew.
 */
import { Bitmap } from '../bitmap/bitmap.ts';
import { type BitmapWindow, type BitmapWindows, cutIntoWindows, rangesInWindows } from '../bitmap/windows.ts';
import { emptyCounts, type PageCounts } from '../classify/page-kind.ts';
import { openPageScanner, type PageScanner, scanPages } from '../classify/scan.ts';
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

/** All of it in memory. */
export type WholeSelection = Selection & { readonly kept: Bitmap };

/** Levels up to this one need no knowledge of the pages but for the safety of broken and offline memory. */
const highestBlindLevel = 1;

/**
 * @throws VmcoreError as `checkExtent`; MemoryModelError, AddressError, VmcoreinfoError when `level` filters by page and the pages cannot be told apart.
 */
export function selectPages(kernel: Kernel, level: number, progress: Progress): WholeSelection {
  const { memory, info } = kernel;
  checkExtent(memory);
  progress.start('filtering', memory.endPfn, memory.pageSize);
  try {
    const onProgress = (done: number) => progress.update(done);
    return { ...scanPages({ memory, info, virtual: requireVirtual(kernel), level, onProgress }), passMs: 0, close() {} };
  } catch (error) {
    const warning = refuseOrWarn(error, kernel, level);
    return { ...keepEverything(kernel, warning), kept: Bitmap.fromRanges(memory.endPfn, memory.ranges) };
  } finally {
    progress.end();
  }
}

export type WindowOptions = {
  /** Bits of the bitmap that are in memory at a time. */
  readonly windowPages: number;
  readonly now: () => number;
};

/**
 * Nothing is scanned before the first pass over the windows, which throws what `selectPages` does; but for the levels that keep everything in the end:
 * what they cannot filter has to be known before the first window goes out.
 *
 * @throws as `selectPages` when not even the memory model can be found.
 */
export function selectInWindows(kernel: Kernel, level: number, progress: Progress, options: WindowOptions): Selection {
  const { memory, info } = kernel;
  checkExtent(memory);
  const refuse = (error: unknown) => refuseOrWarn(error, kernel, level);
  let selection: ScannedInWindows | undefined;
  try {
    const listener = { onProgress: (_done: number) => {} };
    const onProgress = (done: number) => listener.onProgress(done);
    const scanner = openPageScanner({ memory, info, virtual: requireVirtual(kernel), level, onProgress });
    selection = new ScannedInWindows(kernel, scanner, { ...options, progress, listener, refuse });
    if (level <= highestBlindLevel) for (const _ of selection.kept.windows());
    return selection;
  } catch (error) {
    selection?.close();
    return { ...keepEverything(kernel, refuse(error)), kept: rangesInWindows(memory.endPfn, memory.ranges, options.windowPages) };
  }
}

type PassOptions = WindowOptions & {
  readonly progress: Progress;
  /** Whom the scanner tells how far it is. */
  readonly listener: { onProgress: (done: number) => void };
  /** Throws what is to be said of an error, or returns when everything may be kept. */
  readonly refuse: (error: unknown) => string;
};

class ScannedInWindows implements Selection {
  readonly kept: BitmapWindows;
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
    this.#bytes = new Uint8Array(Math.ceil(cut.range(0).end / 8));
    this.kept = { sizeBits: endPfn, windowCount: cut.count, windows: () => (this.#isCounted ? this.#scan() : this.#count()) };
  }

  close(): void {
    this.#scanner.close();
  }

  /** The first pass: it is a step of its own, and finds out how many pages there are. */
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
    const { windowPages, now, refuse } = this.#options;
    const cut = cutIntoWindows(this.kept.sizeBits, windowPages);
    this.#scanner.restart();
    for (let index = 0; index < cut.count; index++) {
      const window = cut.range(index);
      const since = now();
      let bits: Bitmap;
      try {
        bits = this.#scanner.scan(window, this.#bytes);
      } catch (error) {
        refuse(error);
        throw error;
      }
      this.passMs += now() - since;
      yield { start: window.start, bits };
    }
  }
}

function keepEverything({ memory }: Kernel, warning: string): Omit<Selection, 'kept'> {
  const original = memory.ranges.reduce((sum, { start, end }) => sum + end - start, 0);
  const counts = { ...emptyCounts(), original, kept: original, hole: memory.endPfn - original };
  return { counts, warnings: [warning], passMs: 0, close() {} };
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
