/**
 * A flattened stream, read once from front to back, into the file it stands for.
 */
import { MiB } from '../../binary/units.ts';
import type { Sink } from '../../sink/sink.ts';
import { FormatError } from '../dump-writer.ts';
import { markedBytes, markIncomplete } from '../mark-incomplete.ts';
import { flattenedHeaderBytes, flattenedRecord } from './layout.ts';
import { checkFlattenedHeader, checkRecord } from './records.ts';

export type Rearranged = {
  /** How long the dump is. */
  readonly sizeBytes: number;
  readonly records: number;
};

/**
 * Later records overwrite earlier ones. What follows the end mark is not read. When the stream ends early, everything before that
 * has been written, and the dump is marked incomplete.
 *
 * @param readChunk fills up to the whole of its argument; returns how many bytes it put there, 0 at the end of the stream.
 * @throws FormatError `format/not-a-dump`, `format/unsupported`, `format/corrupt`, `format/incomplete` (no end mark).
 * @throws SinkError as the sink does.
 */
export function rearrange(readChunk: (target: Uint8Array) => number, sink: Sink): Rearranged {
  const stream = new StreamReader(readChunk);
  const header = new Uint8Array(flattenedHeaderBytes);
  stream.readWhole(header, 'the flattened header');
  checkFlattenedHeader(header, stream.name);
  const dump = new DumpCopy(sink);
  try {
    return copyRecords(stream, dump);
  } catch (error) {
    dump.markIncomplete();
    throw error;
  }
}

function copyRecords(stream: StreamReader, dump: DumpCopy): Rearranged {
  const record = new Uint8Array(flattenedRecord.sizeBytes);
  const view = new DataView(record.buffer);
  const chunk = new Uint8Array(MiB);
  for (let records = 0; ; records++) {
    const at = stream.position;
    stream.readWhole(record, 'the next flattened record');
    const offset = view.getBigInt64(flattenedRecord.fields.offset[0]);
    const size = view.getBigInt64(flattenedRecord.fields.buf_size[0]);
    if (checkRecord(offset, size, stream.name, at)) return { sizeBytes: dump.sizeBytes, records };
    copyRecord(stream, dump, Number(offset), Number(size), chunk);
  }
}

function copyRecord(stream: StreamReader, dump: DumpCopy, offset: number, size: number, chunk: Uint8Array): void {
  for (let done = 0; done < size; ) {
    const piece = chunk.subarray(0, Math.min(chunk.length, size - done));
    const length = stream.readSome(piece);
    if (length > 0) dump.write(offset + done, piece.subarray(0, length));
    if (length < piece.length) throw stream.endedEarly('the data of a flattened record');
    done += length;
  }
}

/** The dump as far as it has come. */
class DumpCopy {
  sizeBytes = 0;
  readonly #sink: Sink;
  /** The first bytes of the dump, once they came. */
  readonly #head = new Uint8Array(markedBytes);
  #headBytes = 0;

  constructor(sink: Sink) {
    this.#sink = sink;
  }

  write(offset: number, bytes: Uint8Array): void {
    this.#sink.write(offset, bytes);
    this.sizeBytes = Math.max(this.sizeBytes, offset + bytes.length);
    if (offset >= markedBytes) return;
    const known = bytes.subarray(0, markedBytes - offset);
    this.#head.set(known, offset);
    this.#headBytes = Math.max(this.#headBytes, offset + known.length);
  }

  markIncomplete(): void {
    if (!markIncomplete(this.#head.subarray(0, this.#headBytes))) return;
    try {
      this.#sink.write(0, this.#head);
    } catch {
      // The disk is full or gone; what stopped the copy is the error to tell.
    }
  }
}

class StreamReader {
  readonly name = 'the flattened stream';
  position = 0;
  readonly #readChunk: (target: Uint8Array) => number;

  constructor(readChunk: (target: Uint8Array) => number) {
    this.#readChunk = readChunk;
  }

  /** Fills `target` as far as the stream goes. */
  readSome(target: Uint8Array): number {
    let done = 0;
    while (done < target.length) {
      const length = this.#readChunk(target.subarray(done));
      if (length === 0) break;
      done += length;
    }
    this.position += done;
    return done;
  }

  readWhole(target: Uint8Array, what: string): void {
    if (this.readSome(target) < target.length) throw this.endedEarly(what);
  }

  endedEarly(what: string): FormatError {
    return new FormatError('format/incomplete', `Cannot read ${what}: the stream ends after ${this.position} bytes, expected an end mark`, {
      hint: 'The stream was cut off: transfer it again',
    });
  }
}
