/**
 * Writes a dump that wants to seek to a sink that cannot: every write becomes one record of the flattened format.
 */
import { encodeText } from '../../binary/text.ts';
import type { Sink } from '../../sink/sink.ts';
import { FormatError } from '../dump-writer.ts';
import {
  endMark,
  flattenedHeader,
  flattenedHeaderBytes,
  flattenedRecord,
  flattenedSignature,
  flattenedType,
  flattenedVersion,
} from './layout.ts';

/**
 * No byte of the dump may be written twice: readers search the records by offset and may find either. Without `end` the stream has no end
 * mark, and every reader takes it for truncated: that is how an incomplete dump is told here.
 */
export class FlattenedSink implements Sink {
  readonly seekable = true;
  readonly rewritable = false;
  readonly #stream: Sink;
  readonly #record = new Uint8Array(flattenedRecord.sizeBytes);
  readonly #view = new DataView(this.#record.buffer);
  #position = 0;
  /** What was announced and has not been written yet: the record has begun. */
  #announced = { offset: 0, length: 0 };

  /** @param stream taken over: closing this closes it. Nothing may have been written to it. */
  constructor(stream: Sink) {
    this.#stream = stream;
    const header = new Uint8Array(flattenedHeaderBytes);
    const signature = new Uint8Array(16);
    signature.set(encodeText(flattenedSignature));
    header.set(flattenedHeader.write({ signature, type: flattenedType, version: flattenedVersion }, false));
    this.#append(header);
  }

  get name(): string {
    return this.#stream.name;
  }

  /** Bytes of the stream so far. */
  get streamBytes(): number {
    return this.#position;
  }

  write(offset: number, bytes: Uint8Array): void {
    if (bytes.length === 0) return;
    if (this.#announced.length > 0) this.#continueRecord(offset, bytes.length);
    else this.#writeRecord(BigInt(offset), BigInt(bytes.length));
    this.#append(bytes);
  }

  announce(offset: number, length: number): void {
    if (this.#announced.length > 0) this.#continueRecord(offset, 0);
    if (length === 0) return;
    this.#writeRecord(BigInt(offset), BigInt(length));
    this.#announced = { offset, length };
  }

  /** Writes the end mark: the dump is complete. @throws FormatError `format/order` when an announced write is not */
  end(): void {
    if (this.#announced.length > 0) this.#continueRecord(this.#announced.offset, 0);
    this.#writeRecord(endMark, endMark);
  }

  sync(): void {
    this.#stream.sync();
  }

  close(): void {
    this.#stream.close();
  }

  #continueRecord(offset: number, length: number): void {
    const { offset: expected, length: most } = this.#announced;
    if (offset !== expected || length === 0 || length > most) {
      throw new FormatError(
        'format/order',
        `Cannot write ${length} bytes at ${offset} of ${this.name}: expected some of the ${most} at ${expected} that were announced`,
      );
    }
    this.#announced = { offset: expected + length, length: most - length };
  }

  #writeRecord(offset: bigint, size: bigint): void {
    this.#view.setBigInt64(flattenedRecord.fields.offset[0], offset);
    this.#view.setBigInt64(flattenedRecord.fields.buf_size[0], size);
    this.#append(this.#record);
  }

  #append(bytes: Uint8Array): void {
    this.#stream.write(this.#position, bytes);
    this.#position += bytes.length;
  }
}
