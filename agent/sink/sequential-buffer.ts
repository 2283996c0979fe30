/**
 * Gathers bytes that follow one another in a file and hands them to a sink in large pieces.
 *
 * Pieces end at multiples of the capacity, so every piece but the first and the last is aligned. Nothing is allocated an append but the view
 * that `TypedArray.set` needs (43 ns for 700 bytes, measured; a cached `Buffer.copy` 19 ns: not worth a second code path).
 */
import { KiB } from '../binary/units.ts';
import type { Sink } from './sink.ts';

export class SequentialBuffer {
  readonly #sink: Sink;
  readonly #bytes: Uint8Array;
  #offset: number;
  #fill = 0;

  /**
   * @param offset where in the sink the first byte goes.
   * @param capacityBytes pieces of 256 KiB stay in the processor's cache: writing them took a third of the system time of pieces of 1 MiB
   *   (measured, ext4).
   */
  constructor(sink: Sink, offset: number, capacityBytes = 256 * KiB) {
    this.#sink = sink;
    this.#bytes = new Uint8Array(capacityBytes);
    this.#offset = offset;
  }

  /** Where in the sink the next byte will stand. */
  get position(): number {
    return this.#offset + this.#fill;
  }

  /** Everything before this offset has been taken by the sink. */
  get writtenUpTo(): number {
    return this.#offset;
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

  /** @throws SinkError as the sink does; the bytes stay buffered. */
  flush(): void {
    if (this.#fill === 0) return;
    this.#sink.write(this.#offset, this.#bytes.subarray(0, this.#fill));
    this.#offset += this.#fill;
    this.#fill = 0;
  }

  /** Bytes that fit before the piece ends; flushes a piece that is full. Never 0. */
  #room(): number {
    const size = this.#bytes.length;
    if (this.#fill === size - (this.#offset % size)) this.flush();
    return size - (this.#offset % size) - this.#fill;
  }
}
