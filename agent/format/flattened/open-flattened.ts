/**
 * A flattened file as the dump it stands for: random access without rearranging it first.
 */
import type { FileOffset } from '../../binary/units.ts';
import { type FileWindow, type MemoryFile, VmcoreError } from '../../vmcore/memory-file.ts';
import { FormatError } from '../dump-writer.ts';
import { type FlattenedSegments, readFlattenedSegments } from './records.ts';

export type OpenFlattenedOptions = {
  /** True: a stream that was cut off gives what it has. Default: `format/incomplete`. */
  readonly salvage?: boolean;
};

/**
 * Takes `file` over and closes it; when this throws, the caller still owns it. Bytes in no record read as zeros.
 * @throws FormatError `format/not-a-dump`, `format/unsupported`, `format/corrupt`, `format/incomplete`.
 */
export function openFlattened(file: MemoryFile, options: OpenFlattenedOptions = {}): MemoryFile {
  const segments = readFlattenedSegments(file);
  if (!segments.complete && !options.salvage) {
    throw new FormatError('format/incomplete', `Cannot read "${file.path}": no end mark, expected one after ${file.sizeBytes} bytes`, {
      hint: 'The stream was cut off: transfer it again',
    });
  }
  return new FlattenedFile(file, segments);
}

class FlattenedFile implements MemoryFile {
  readonly path: string;
  readonly sizeBytes: number;
  readonly heldBytes: number;
  readonly #file: MemoryFile;
  readonly #segments: FlattenedSegments;
  /** The segment used last: the next one is likely the same. */
  #last = 0;

  constructor(file: MemoryFile, segments: FlattenedSegments) {
    this.path = file.path;
    this.sizeBytes = segments.count === 0 ? 0 : segments.ends[segments.count - 1];
    this.heldBytes = heldBytes(segments);
    this.#file = file;
    this.#segments = segments;
  }

  read(offset: FileOffset, target: Uint8Array): void {
    if (!(offset >= 0) || offset + target.length > this.sizeBytes) {
      throw new VmcoreError(
        'vmcore/short-read',
        `Cannot read ${target.length} bytes of "${this.path}" at ${offset} of the dump: it has ${this.sizeBytes}`,
      );
    }
    const { starts, ends, places, count } = this.#segments;
    for (let done = 0; done < target.length; ) {
      const at = offset + done;
      const segment = this.#firstEndAbove(at);
      const start = segment < count ? starts[segment] : this.sizeBytes;
      const held = start <= at;
      const length = Math.min(target.length - done, (held ? ends[segment] : start) - at);
      if (held) this.#file.read(places[segment] + (at - start), target.subarray(done, done + length));
      else target.fill(0, done, done + length);
      done += length;
    }
  }

  openWindow(capacityBytes: number): FileWindow {
    return new FlattenedWindow(this, capacityBytes);
  }

  close(): void {
    this.#file.close();
  }

  #firstEndAbove(offset: number): number {
    const { starts, ends, count } = this.#segments;
    if (starts[this.#last] <= offset && offset < ends[this.#last]) return this.#last;
    let low = 0;
    let high = count;
    while (low < high) {
      const middle = Math.floor((low + high) / 2);
      if (ends[middle] > offset) high = middle;
      else low = middle + 1;
    }
    this.#last = Math.min(low, count - 1);
    return low;
  }
}

function heldBytes({ starts, ends, count }: FlattenedSegments): number {
  let total = 0;
  for (let i = 0; i < count; i++) total += ends[i] - starts[i];
  return total;
}

/** A copy of a stretch of the dump. */
class FlattenedWindow implements FileWindow {
  readonly bytes: Uint8Array;
  readonly capacityBytes: number;
  readonly #file: MemoryFile;
  #start = 0;
  #end = 0;

  constructor(file: MemoryFile, capacityBytes: number) {
    this.bytes = new Uint8Array(capacityBytes);
    this.capacityBytes = capacityBytes;
    this.#file = file;
  }

  locate(offset: FileOffset, length: number): number {
    if (offset < this.#start || offset + length > this.#end) {
      this.#end = 0;
      const end = Math.max(offset + length, Math.min(offset + this.capacityBytes, this.#file.sizeBytes));
      this.#file.read(offset, this.bytes.subarray(0, end - offset));
      this.#start = offset;
      this.#end = end;
    }
    return offset - this.#start;
  }

  close(): void {}
}
