/**
 * `copyPages` with other threads doing the reading and compressing: the same pages in the same order, the same bytes.
 */
import type { Bitmap } from '../bitmap/bitmap.ts';
import { MiB } from '../binary/units.ts';
import { codecFlags, type PageCodec } from '../compress/codec.ts';
import { type BatchJob, compressBatch, type PageBatch, rawPage, zeroPage } from '../compress/page-batch.ts';
import type { DumpWriter } from '../format/dump-writer.ts';
import type { CopyCounts, CopyJob } from './copy-pages.ts';
import type { PageTeam } from './page-team.ts';

const windowBytes = 4 * MiB;

/**
 * @param job with a codec: without one there is nothing to share out.
 * @throws as `copyPages` does; batches under way are waited for and dropped then.
 */
export function copyPagesWithTeam(job: CopyJob & { readonly codec: PageCodec }, team: PageTeam): CopyCounts {
  const { memory, kept, writer, codec, shareZero, range, onProgress } = job;
  const { exchange } = team;
  const { pageSize } = memory;
  const window = memory.openWindow(windowBytes);
  const own: BatchJob = { window, codec, pageSize, shareZero };
  const counts: CopyCounts = { zero: 0, compressed: 0, raw: 0, unreadable: 0 };
  const stop = Math.min(kept.sizeBits, range?.end ?? kept.sizeBits);
  let pfn = kept.nextSet(range?.start ?? 0);
  let ticket = team.nextTicket;
  let done = 0;
  try {
    while (pfn < stop || ticket < team.nextTicket) {
      while (pfn < stop && team.nextTicket - ticket < exchange.slots) {
        const batch = exchange.batch(team.nextTicket);
        const count = fillBatch(batch, kept, pfn, stop);
        pfn = kept.nextSet(batch.pfns[count - 1] + 1);
        exchange.offer(team.nextTicket++, count, shareZero);
      }
      const batch = exchange.batch(ticket);
      const count = exchange.pageCount(ticket);
      const isDone = exchange.collect(ticket++);
      if (!isDone) compressBatch(batch, count, own);
      writeBatch(batch, count, writer, pageSize, codecFlags[codec.name], counts);
      done += count;
      onProgress(done);
    }
  } finally {
    while (ticket < team.nextTicket) exchange.collect(ticket++);
    window.close();
  }
  return counts;
}

/** Puts the kept page frames from `from` on, below `stop`, into a batch; returns how many. */
function fillBatch({ pfns }: PageBatch, kept: Bitmap, from: number, stop: number): number {
  let count = 0;
  for (let start = from; start < stop && count < pfns.length; ) {
    const end = Math.min(stop, kept.nextClear(start), start + pfns.length - count);
    for (let pfn = start; pfn < end; pfn++) pfns[count++] = pfn;
    start = kept.nextSet(end);
  }
  return count;
}

function writeBatch(batch: PageBatch, count: number, writer: DumpWriter, pageSize: number, flag: number, counts: CopyCounts): void {
  const { pfns, lengths, data } = batch;
  let at = 0;
  for (let index = 0; index < count; index++) {
    const length = lengths[index];
    if (length === zeroPage) {
      writer.addZeroPage(pfns[index]);
      counts.zero++;
    } else if (length === rawPage) {
      writer.addPage(pfns[index], data, at, pageSize, 0);
      counts.raw++;
      at += pageSize;
    } else {
      writer.addPage(pfns[index], data, at, length, flag);
      counts.compressed++;
      at += length;
    }
  }
}
