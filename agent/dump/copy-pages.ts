/**
 * The second hot loop: every kept page once, in PFN order, from the source through the codec into the writer.
 *
 * Comes in: the bitmap of kept pages. Goes out: pages in the writer, and how many of them were zero, compressed, raw, unreadable.
 * Pages travel in batches, so that other threads can do some of them: the dump is the same, byte for byte.
 */
import { KiB, type Pfn, type PfnRange } from '../binary/units.ts';
import type { Bitmap } from '../bitmap/bitmap.ts';
import { codecFlags, type PageCodec } from '../compress/codec.ts';
import { isZeroPage } from '../compress/zero-page.ts';
import {
  type BatchJob,
  batchDataBytes,
  batchPages,
  compressBatch,
  lostPage,
  type PageBatch,
  rawPage,
  zeroPage,
  isLoss,
} from '../compress/page-batch.ts';
import type { DumpWriter } from '../format/dump-writer.ts';
import type { PhysicalMemory } from '../vmcore/physical-memory.ts';
import type { LevelControl } from './level-control.ts';
import { abandonBatches, collectBatch, type PageTeam } from './page-team.ts';

export type CopyCounts = {
  zero: number;
  compressed: number;
  raw: number;
  /** Pages that the source would not give; the dump says of each that it is missing. */
  unreadable: number;
};

export function emptyCopyCounts(): CopyCounts {
  return { zero: 0, compressed: 0, raw: 0, unreadable: 0 };
}

export type CopyJob = {
  readonly memory: PhysicalMemory;
  readonly kept: Bitmap;
  /** Bit i of `kept` belongs to page frame `base + i`. Default 0. */
  readonly base?: Pfn;
  readonly writer: DumpWriter;
  /** Undefined: every page is stored raw. */
  readonly codec: PageCodec | undefined;
  /** Store a page of zeros as a reference to the one shared zero page. */
  readonly shareZero: boolean;
  /** Only the page frames in here. Default: all. */
  readonly range?: PfnRange;
  /** Called with the pages done so far, often. */
  readonly onProgress: (done: number) => void;
  /** Threads that help with a codec. */
  readonly team?: PageTeam;
  /** Says before each batch how hard to compress it. Default: as the codec was opened. */
  readonly control?: LevelControl;
  /** Added to as pages are written, so that it tells what was written when the copy fails. Default: a fresh one. */
  readonly counts?: CopyCounts;
};

/** Bytes of source in view at a time: few enough to stay in the processor's cache until they are compressed. 4 MiB took a tenth longer with LZO. */
const windowBytes = 256 * KiB;

/**
 * @throws SinkError `sink/no-space`, `sink/io` from the writer; CompressError from the codec. Batches under way are waited for then.
 */
export function copyPages(job: CopyJob): CopyCounts {
  const { memory, codec, shareZero, team } = job;
  const window = memory.openWindow(windowBytes);
  const own: BatchJob = { window, codec, pageSize: memory.pageSize, shareZero };
  try {
    return team === undefined ? copyAlone(job, own) : copyWithTeam(job, own, team);
  } finally {
    window.close();
  }
}

function copyAlone(job: CopyJob, own: BatchJob): CopyCounts {
  const { pageSize } = job.memory;
  const pages = batchPages(pageSize);
  const batch: PageBatch = {
    pfns: new Float64Array(pages),
    lengths: new Int32Array(pages),
    data: new Uint8Array(batchDataBytes(pages, pageSize, job.codec?.outputBound(pageSize) ?? 0)),
  };
  const output = new BatchOutput(job);
  const pending = new PendingPages(job);
  for (let count = pending.fill(batch); count > 0; count = pending.fill(batch)) {
    compressBatch(batch, count, { ...own, level: job.control?.next(count) });
    output.write(batch, count);
  }
  return output.counts;
}

/** The writer keeps every slot of the exchange filled and collects them in order. */
function copyWithTeam(job: CopyJob, own: BatchJob, team: PageTeam): CopyCounts {
  const { exchange } = team;
  const output = new BatchOutput(job);
  const pending = new PendingPages(job);
  let ticket = team.nextTicket;
  try {
    while (!pending.isEmpty || ticket < team.nextTicket) {
      while (!pending.isEmpty && team.nextTicket - ticket < exchange.slots) {
        const pageCount = pending.fill(exchange.batch(team.nextTicket));
        exchange.offer(team.nextTicket++, { pageCount, shareZero: job.shareZero, level: job.control?.next(pageCount) });
      }
      const batch = exchange.batch(ticket);
      const { pageCount, level } = exchange.order(ticket);
      const isDone = collectBatch(team, ticket++, own);
      if (!isDone) compressBatch(batch, pageCount, { ...own, level });
      output.write(batch, pageCount);
    }
  } finally {
    abandonBatches(team, ticket);
  }
  return output.counts;
}

/** The kept page frames that have not been handed out yet. */
class PendingPages {
  readonly #kept: Bitmap;
  readonly #base: Pfn;
  /** Bits of `#kept`. */
  readonly #stop: number;
  #next: number;

  constructor({ kept, base = 0, range }: CopyJob) {
    this.#kept = kept;
    this.#base = base;
    this.#stop = Math.min(kept.sizeBits, (range?.end ?? Number.POSITIVE_INFINITY) - base);
    this.#next = kept.nextSet((range?.start ?? 0) - base);
  }

  get isEmpty(): boolean {
    return this.#next >= this.#stop;
  }

  /** Puts the next page frames into a batch; returns how many. */
  fill({ pfns }: PageBatch): number {
    let count = 0;
    while (this.#next < this.#stop && count < pfns.length) {
      const end = Math.min(this.#stop, this.#kept.nextClear(this.#next), this.#next + pfns.length - count);
      for (let bit = this.#next; bit < end; bit++) pfns[count++] = this.#base + bit;
      this.#next = this.#kept.nextSet(end);
    }
    return count;
  }
}

/** From finished batches to the writer. */
class BatchOutput {
  readonly counts: CopyCounts;
  readonly #job: CopyJob;
  readonly #flag: number;
  #done = 0;

  constructor(job: CopyJob) {
    this.counts = job.counts ?? emptyCopyCounts();
    this.#job = job;
    this.#flag = job.codec === undefined ? 0 : codecFlags[job.codec.name];
  }

  write({ pfns, lengths, data }: PageBatch, count: number): void {
    const { counts } = this;
    const { writer, memory, onProgress } = this.#job;
    let at = 0;
    for (let index = 0; index < count; index++) {
      const length = lengths[index];
      if (length === zeroPage) {
        writer.addZeroPage(pfns[index]);
        counts.zero++;
      } else if (length === rawPage) {
        writer.addPage(pfns[index], data, at, memory.pageSize, 0);
        counts.raw++;
        at += memory.pageSize;
      } else if (length === lostPage) {
        writer.addLostPage(pfns[index]);
        counts.unreadable++;
      } else {
        writer.addPage(pfns[index], data, at, length, this.#flag);
        counts.compressed++;
        at += length;
      }
    }
    this.#done += count;
    onProgress(this.#done);
  }
}

/**
 * Takes pages of zeros out of `kept`, for formats that cannot refer to a shared page: a reading pass of its own. A page that cannot be
 * read stays.
 * @returns how many were taken out.
 */
export function dropZeroPages(memory: PhysicalMemory, kept: Bitmap, onProgress: (done: number) => void): number {
  const { pageSize } = memory;
  const window = memory.openWindow(windowBytes);
  let zero = 0;
  let pfn = kept.nextSet(0);
  const scan = () => {
    for (; pfn < kept.sizeBits; pfn = kept.nextSet(pfn + 1)) {
      const at = window.locate(pfn * pageSize, pageSize);
      if (isZeroPage(window.bytes, at, pageSize)) {
        kept.clear(pfn);
        zero++;
      }
      onProgress(pfn);
    }
  };
  try {
    while (pfn < kept.sizeBits) {
      try {
        scan();
      } catch (error) {
        if (!isLoss(error)) throw error;
        pfn = kept.nextSet(pfn + 1);
      }
    }
  } finally {
    window.close();
  }
  return zero;
}
