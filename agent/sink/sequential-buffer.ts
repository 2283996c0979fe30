/**
 * Gathers bytes that follow one another in a file and hands them to a sink in large pieces, through the sink's queue where it has one: then a piece
 * is written while the next is filled.
 *
 * Pieces end at multiples of the capacity, so every piece but the first and the last is aligned. Nothing is allocated an append but the view
 * that `TypedArray.set` needs (43 ns for 700 bytes, measured; a cached `Buffer.copy` 19 ns: not worth a second code path).
 */
import { KiB } from '../binary/units.ts';
import type { Sink, WriteQueue } from './sink.ts';

export class SequentialBuffer {
  readonly #sink: Sink;
  readonly #queue: WriteQueue | undefined;
  #bytes: Uint8Array;
  /** The queue's other piece. */
  #spare: Uint8Array;
  #offset: number;
  #fill = 0;
  /** Bytes before `#offset` that are under way. */
  #begunBytes = 0;

  /**
   * @param offset where in the sink the first byte goes.
   * @param capacityBytes of a sink without a queue. Pieces of 256 KiB stay in the processor's cache: writing them took a third of the system time of
   *   pieces of 1 MiB (measured, ext4).
   */
  constructor(sink: Sink, offset: number, capacityBytes = 256 * KiB) {
    this.#sink = sink;
    this.#queue = sink.openQueue?.();
    [this.#bytes, this.#spare] = this.#queue?.pieces ?? [new Uint8Array(capacityBytes), new Uint8Array(0)];
    this.#offset = offset;
  }

  /** Where in the sink the next byte will stand. */
  get position(): number {
    return this.#offset + this.#fill;
  }

  /** Everything before this offset was given to the sink. */
  get handedUpTo(): number {
    return this.#offset;
  }

  /** Everything before this offset has been taken by the sink. */
  get writtenUpTo(): number {
    return this.#offset - this.#begunBytes;
  }

  /** The next byte goes to `offset`; what is buffered is written first unless it ends there. */
  seek(offset: number): void {
    if (offset === this.position) return;
    this.flush();
    this.#offset = offset;
  }

  /** @throws SinkError as the sink does; what was appended before stays buffered. */
  append(bytes: Uint8Array, start = 0, length = bytes.length - start): void {
    for (let done = 0; done < length; ) {
      const room = this.#room();
      const count = Math.min(room, length - done);
      this.#bytes.set(bytes.subarray(start + done, start + done + count), this.#fill);
      this.#fill += count;
      done += count;
    }
  }

  appendZeros(length: number): void {
    for (let done = 0; done < length; ) {
      const room = this.#room();
      const count = Math.min(room, length - done);
      this.#bytes.fill(0, this.#fill, this.#fill + count);
      this.#fill += count;
      done += count;
    }
  }

  /** Everything appended is with the sink then. @throws SinkError as the sink does; what it did not take stays. */
  flush(): void {
    this.#hand();
    this.settle();
  }

  /** Waits for what was handed over. @throws SinkError as the sink does. */
  settle(): void {
    if (this.#begunBytes === 0) return;
    this.#queue?.settle();
    this.#begunBytes = 0;
  }

  /** Hands the piece over when the one before has been taken. */
  #hand(): void {
    if (this.#fill === 0) return;
    this.settle();
    const piece = this.#bytes.subarray(0, this.#fill);
    if (this.#queue === undefined) {
      this.#sink.write(this.#offset, piece);
    } else {
      this.#queue.begin(this.#offset, piece);
      this.#begunBytes = this.#fill;
      [this.#bytes, this.#spare] = [this.#spare, this.#bytes];
    }
    this.#offset += this.#fill;
    this.#fill = 0;
  }

  /** Bytes that fit before the piece ends; hands over a piece that is full. Never 0. */
  #room(): number {
    const size = this.#bytes.length;
    if (this.#fill === size - (this.#offset % size)) this.#hand();
    return size - (this.#offset % size) - this.#fill;
  }
}
