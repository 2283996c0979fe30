/** A byte array as a file to read at random: the input of tests that build their vmcore themselves. */
import { type FileWindow, type MemoryFile, VmcoreError } from '../vmcore/memory-file.ts';

/**
 * Windows move as the real ones do: their content is overwritten, so a test sees data kept too long.
 * @param onRead called before every read.
 */
export function openBytes(content: Uint8Array, path = 'built', onRead: () => void = () => {}): MemoryFile {
  const read = (offset: number, target: Uint8Array) => {
    onRead();
    if (!(offset >= 0) || offset + target.length > content.length) {
      throw new VmcoreError('vmcore/short-read', `Cannot read ${target.length} bytes of "${path}" at ${offset}: ${content.length} in all`);
    }
    target.set(content.subarray(offset, offset + target.length));
  };
  return {
    path,
    sizeBytes: content.length,
    read,
    openWindow: (capacityBytes) => new BytesWindow(content.length, read, capacityBytes),
    close() {},
  };
}

class BytesWindow implements FileWindow {
  readonly bytes: Uint8Array;
  readonly capacityBytes: number;
  readonly #fileBytes: number;
  readonly #read: (offset: number, target: Uint8Array) => void;
  #start = 0;
  #end = 0;

  constructor(fileBytes: number, read: (offset: number, target: Uint8Array) => void, capacityBytes: number) {
    this.bytes = new Uint8Array(capacityBytes);
    this.capacityBytes = capacityBytes;
    this.#fileBytes = fileBytes;
    this.#read = read;
  }

  locate(offset: number, length: number): number {
    if (length > this.capacityBytes) throw new RangeError(`A window of ${this.capacityBytes} bytes cannot show ${length}`);
    if (offset < this.#start || offset + length > this.#end) {
      const end = Math.max(offset + length, Math.min(offset + this.capacityBytes, this.#fileBytes));
      this.#end = 0;
      this.#read(offset, this.bytes.subarray(0, end - offset));
      this.#start = offset;
      this.#end = end;
    }
    return offset - this.#start;
  }

  close(): void {}
}
