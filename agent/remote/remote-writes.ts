/**
 * The writes of one large file on the network thread: out of the shared slots and into the file, as many at a time as it takes, in an order that cannot hurt.
 *
 * The bytes are copied out of the shared memory first (a tenth of a millisecond a MiB), so that a slot is free at once and no library below sees memory that another thread
 * writes to.
 */
import { type RemoteExchange, slotBytes, slotCount, tidyEvery } from './remote-exchange.ts';
import { RemoteError, type RemoteFile } from './remote-store.ts';

export type SlotWrite = { readonly slot: number; readonly offset: number; readonly length: number };

/** Under way at a time on a file that can be written anywhere; each has a buffer of its own. */
const mostAtOnce = 4;

export type RemoteWritesOptions = {
  readonly seekable: boolean;
  /** Called once, with what the first write that failed said; those behind it are dropped. */
  readonly onFailure: (error: unknown) => void;
  /** Now and then: what is no longer used may be given up. */
  readonly onTidy: () => void;
};

export class RemoteWrites {
  readonly #file: RemoteFile;
  readonly #exchange: RemoteExchange;
  readonly #atOnce: number;
  readonly #onFailure: (error: unknown) => void;
  readonly #onTidy: () => void;
  readonly #waiting: SlotWrite[] = [];
  readonly #active = new Set<SlotWrite>();
  readonly #buffers: Uint8Array[] = [];
  #failure: { readonly error: unknown } | undefined;
  #onIdle: (() => void)[] = [];
  #untidyBytes = 0;

  constructor(file: RemoteFile, exchange: RemoteExchange, { seekable, onFailure, onTidy }: RemoteWritesOptions) {
    this.#file = file;
    this.#exchange = exchange;
    this.#atOnce = seekable ? mostAtOnce : 1;
    this.#onFailure = onFailure;
    this.#onTidy = onTidy;
  }

  add(write: SlotWrite): void {
    if (this.#failure !== undefined) return this.#exchange.freeSlot(write.slot);
    this.#waiting.push(write);
    this.#start();
  }

  /** Resolves when nothing is under way. @throws what the first write that failed threw. */
  async settle(): Promise<void> {
    if (this.#active.size > 0 || this.#waiting.length > 0) await new Promise<void>((resolve) => this.#onIdle.push(resolve));
    if (this.#failure !== undefined) throw this.#failure.error;
  }

  /** The file is let go: nothing more is begun, and what is under way is no longer anybody's failure. */
  abandon(): void {
    this.#failure ??= { error: new RemoteError('remote/broken', 'Cannot go on with a file on a server: it was let go') };
    this.#drop();
  }

  #drop(): void {
    for (const { slot } of this.#waiting.splice(0)) this.#exchange.freeSlot(slot);
    this.#wakeWhenIdle();
  }

  /** In the order of arrival; bytes that are under way are not overtaken by later ones for the same place. */
  #start(): void {
    for (let [next] = this.#waiting; next !== undefined && this.#mayStart(next); [next] = this.#waiting) {
      this.#waiting.shift();
      void this.#write(next);
    }
  }

  #mayStart({ offset, length }: SlotWrite): boolean {
    const overlaps = (other: SlotWrite) => offset < other.offset + other.length && other.offset < offset + length;
    return this.#active.size < this.#atOnce && ![...this.#active].some(overlaps);
  }

  async #write(write: SlotWrite): Promise<void> {
    this.#active.add(write);
    const buffer = this.#buffers.pop() ?? new Uint8Array(slotBytes);
    const bytes = buffer.subarray(0, write.length);
    bytes.set(this.#exchange.slot(write.slot).subarray(0, write.length));
    this.#exchange.freeSlot(write.slot);
    try {
      await this.#file.write(write.offset, bytes);
      this.#buffers.push(buffer);
    } catch (error) {
      // Whoever failed may still hold the buffer: it is not used again.
      this.#fail(error);
    }
    this.#active.delete(write);
    this.#tidy(write.length);
    this.#start();
    this.#wakeWhenIdle();
  }

  #tidy(length: number): void {
    this.#untidyBytes += length;
    if (this.#untidyBytes < tidyEvery.thread) return;
    this.#untidyBytes = 0;
    this.#onTidy();
  }

  #fail(error: unknown): void {
    if (this.#failure !== undefined) return;
    this.#failure = { error };
    this.#drop();
    this.#onFailure(error);
  }

  #wakeWhenIdle(): void {
    if (this.#active.size > 0 || this.#waiting.length > 0) return;
    for (const wake of this.#onIdle.splice(0)) wake();
  }
}

/** @throws RangeError for what is no write into a slot. */
export function checkSlotWrite({ slot, offset, length }: SlotWrite): void {
  const isSound =
    Number.isInteger(slot) &&
    slot >= 0 &&
    slot < slotCount &&
    Number.isSafeInteger(offset) &&
    offset >= 0 &&
    length > 0 &&
    length <= slotBytes;
  if (!isSound) throw new RangeError(`Cannot write ${length} bytes at ${offset} from slot ${slot}`);
}
