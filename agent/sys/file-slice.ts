/** A stretch of a file as a file of its own: a member that stands uncompressed in an archive. */
import { hex } from '../binary/units.ts';
import { type FileWindow, type MemoryFile, VmcoreError } from '../vmcore/memory-file.ts';

/**
 * @param file is closed with the slice.
 * @throws VmcoreError `vmcore/short-read` when the stretch does not lie in the file.
 */
export function openSlice(file: MemoryFile, start: number, sizeBytes: number, path: string): MemoryFile {
  if (start < 0 || sizeBytes < 0 || start + sizeBytes > file.sizeBytes) {
    const where = `"${path}" at ${hex(start)}`;
    throw new VmcoreError('vmcore/short-read', `Cannot open ${where}: ${sizeBytes} bytes, but the file ends at ${hex(file.sizeBytes)}`, {
      where,
    });
  }
  return new FileSlice(file, start, sizeBytes, path);
}

class FileSlice implements MemoryFile {
  readonly path: string;
  readonly sizeBytes: number;
  readonly #file: MemoryFile;
  readonly #start: number;

  constructor(file: MemoryFile, start: number, sizeBytes: number, path: string) {
    this.#file = file;
    this.#start = start;
    this.sizeBytes = sizeBytes;
    this.path = path;
  }

  read(offset: number, target: Uint8Array): void {
    this.#check(offset, target.length);
    this.#file.read(this.#start + offset, target);
  }

  openWindow(capacityBytes: number): FileWindow {
    const window = this.#file.openWindow(capacityBytes);
    return {
      bytes: window.bytes,
      capacityBytes: window.capacityBytes,
      locate: (offset, length) => {
        this.#check(offset, length);
        return window.locate(this.#start + offset, length);
      },
      close: () => window.close(),
    };
  }

  close(): void {
    this.#file.close();
  }

  #check(offset: number, length: number): void {
    if (offset >= 0 && length >= 0 && offset + length <= this.sizeBytes) return;
    const where = `"${this.path}" at ${hex(offset)}`;
    throw new VmcoreError('vmcore/short-read', `Cannot read ${length} bytes of ${where}: it ends at ${hex(this.sizeBytes)}`, { where });
  }
}
