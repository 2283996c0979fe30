/**
 * Threads that read and compress pages for the one that writes the dump.
 *
 * Each opens the source anew, so that no window is shared; they meet in a `PageExchange`. The writer does batches too while it would wait.
 */
import type { CodecName, PageCodec } from '../compress/codec.ts';
import { createExchange, type ExchangeShape, PageExchange } from '../compress/page-exchange.ts';
import { type BatchJob, compressBatch } from '../compress/page-batch.ts';
import { KiB } from '../binary/units.ts';
import { openSource } from '../format/open-source.ts';
import type { System } from '../sys/system.ts';
import type { PhysicalMemory } from '../vmcore/physical-memory.ts';

/** Bytes of source in view at a time. */
const windowBytes = 256 * KiB;
/** More would wait for memory, and each takes some. */
const mostWorkers = 64;

export type TeamRequest = {
  readonly source: string;
  readonly mmap: boolean;
  readonly codecLevel: number | undefined;
  /** The writer's own among them. */
  readonly threads: number;
};

/** What a worker is sent. */
export type PageWorkerTask = {
  readonly worker: number;
  readonly shape: ExchangeShape;
  readonly source: string;
  readonly mmap: boolean;
  readonly codec: CodecName;
  readonly codecLevel: number | undefined;
};

/** What a thread compresses with. */
export type CompressMeans = Pick<BatchJob, 'window' | 'codec' | 'pageSize'>;

/** The writer's side: the exchange, and how many tickets were given out so far. */
export type PageTeam = { readonly exchange: PageExchange; nextTicket: number };

/**
 * Starts the threads; they are at work some milliseconds later, and until then the caller finds its batches undone and does them.
 */
export function startTeam(system: System, memory: PhysicalMemory, codec: PageCodec, request: TeamRequest): PageTeam {
  const workers = Math.min(request.threads - 1, mostWorkers);
  const exchange = createExchange(workers, memory.pageSize, codec.outputBound(memory.pageSize));
  const { source, mmap, codecLevel } = request;
  const task = { source, mmap, codec: codec.name, codecLevel, shape: exchange.shape };
  const tasks = Array.from({ length: workers }, (_, worker): PageWorkerTask => ({ ...task, worker }));
  system.startWorkers(tasks, 'page-worker');
  return { exchange, nextTicket: 0 };
}

/** The whole life of a worker thread. What it cannot do it leaves to the writer, which meets the same error and reports it. */
export function runPageWorker(system: Pick<System, 'openFile' | 'openCodec'>, { worker, shape, ...task }: PageWorkerTask): void {
  const exchange = new PageExchange(shape);
  try {
    const memory = openSource([system.openFile(task.source, { mmap: task.mmap })], (name) => system.openCodec(name));
    const window = memory.openWindow(windowBytes);
    const codec = system.openCodec(task.codec, task.codecLevel);
    const means = { window, codec, pageSize: shape.pageSize };
    for (let ticket = exchange.draw(worker); exchange.waitForBatch(ticket); ticket = exchange.draw(worker))
      compressDrawn(exchange, ticket, means);
    codec.close();
    window.close();
    memory.close();
  } finally {
    exchange.leave(worker);
  }
}

/**
 * Waits for the batch of a ticket that was offered; does others meanwhile, or this one.
 * @returns false: nobody could finish it. It is the caller's then.
 */
export function collectBatch({ exchange, nextTicket }: PageTeam, ticket: number, means: CompressMeans): boolean {
  while (!exchange.isOver(ticket)) {
    const another = exchange.drawOffered(nextTicket);
    if (another === undefined) break;
    compressDrawn(exchange, another, means);
  }
  return exchange.collect(ticket);
}

/** Waits until no thread works on any batch from `ticket` on; what nobody has begun is given up. */
export function abandonBatches({ exchange, nextTicket }: PageTeam, ticket: number): void {
  for (let drawn = exchange.drawOffered(nextTicket); drawn !== undefined; drawn = exchange.drawOffered(nextTicket))
    exchange.finish(drawn, false);
  for (let left = ticket; left < nextTicket; left++) exchange.collect(left);
}

/** A batch that cannot be finished comes to the writer, which meets the same error and reports it. */
function compressDrawn(exchange: PageExchange, ticket: number, means: CompressMeans): void {
  const { pageCount, shareZero, level } = exchange.order(ticket);
  exchange.finish(
    ticket,
    succeeds(() => compressBatch(exchange.batch(ticket), pageCount, { ...means, shareZero, level })),
  );
}

function succeeds(action: () => void): boolean {
  try {
    action();
    return true;
  } catch {
    return false;
  }
}
