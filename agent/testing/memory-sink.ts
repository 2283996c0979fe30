/**
 * A sink into memory, for tests: bytes may come in any order, gaps read as zeros. It can be told to run out of space, and to have a queue, whose
 * bytes arrive or fail when they are waited for.
 */
import { type Sink, SinkError, type WriteQueue } from '../sink/sink.ts';

export type MemorySinkOptions = {
  /** Default true. */
  readonly seekable?: boolean;
  /** Default as `seekable`. */
  readonly rewritable?: boolean;
  /** Writes that would take more bytes than this, gaps not counted, fail with `sink/no-space`. */
  readonly spaceBytes?: number;
  /** Length of the queue's pieces. Default: there is no queue. */
  readonly queuedBytes?: number;
};

export class MemorySink implements Sink {
  readonly name = 'memory';
  readonly seekable: boolean;
  readonly rewritable: boolean;
  /** Every write taken so far, in order. */
  readonly writes: { readonly offset: number; readonly length: number }[] = [];
  closed = false;
  #bytes = new Uint8Array(4096);
  #length = 0;
  #spaceLeft: number;
  readonly #queuedBytes: number;

  constructor(options: MemorySinkOptions = {}) {
    this.seekable = options.seekable ?? true;
    this.rewritable = options.rewritable ?? this.seekable;
    this.#spaceLeft = options.spaceBytes ?? Number.POSITIVE_INFINITY;
    this.#queuedBytes = options.queuedBytes ?? 0;
  }

  /** A copy of what has been written. */
  get bytes(): Uint8Array {
    return this.#bytes.slice(0, this.#length);
  }

  write(offset: number, bytes: Uint8Array): void {
    if (!this.seekable && offset !== this.#length) throw new Error(`Cannot write at ${offset}: append-only, at ${this.#length}`);
    if (!this.rewritable && this.writes.some((old) => offset < old.offset + old.length && old.offset < offset + bytes.length)) {
      throw new Error(`Cannot write at ${offset}: written before`);
    }
    if (bytes.length > this.#spaceLeft) throw new SinkError('sink/no-space', `Cannot write ${bytes.length} bytes to memory: full`);
    this.#spaceLeft -= bytes.length;
    this.#grow(offset + bytes.length);
    this.#bytes.set(bytes, offset);
    this.writes.push({ offset, length: bytes.length });
  }

  openQueue(): WriteQueue | undefined {
    if (this.#queuedBytes === 0) return undefined;
    let begun: { readonly offset: number; readonly bytes: Uint8Array } | undefined;
    return {
      pieces: [new Uint8Array(this.#queuedBytes), new Uint8Array(this.#queuedBytes)],
      begin(offset, bytes) {
        if (begun !== undefined) throw new Error(`Cannot begin at ${offset}: a write is under way`);
        begun = { offset, bytes };
      },
      settle: () => {
        if (begun !== undefined) this.write(begun.offset, begun.bytes);
        begun = undefined;
      },
    };
  }

  /** What was there before the first write, as on a block device. */
  fillSilently(bytes: Uint8Array): void {
    this.#grow(bytes.length);
    this.#bytes.set(bytes);
  }

  sync(): void {}

  close(): void {
    this.closed = true;
  }

  #grow(length: number): void {
    if (length > this.#bytes.length) {
      const larger = new Uint8Array(Math.max(length, this.#bytes.length * 2));
      larger.set(this.#bytes);
      this.#bytes = larger;
    }
    this.#length = Math.max(this.#length, length);
  }
}
