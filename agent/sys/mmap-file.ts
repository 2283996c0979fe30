/**
 * Files whose windows are mappings: `/proc/vmcore` read this way costs no copy.
 *
 * A window reserves one range of addresses, makes its array of it once, and maps other parts of the file over the same range as it
 * moves. The range is never given back to the system (it holds no memory), so that an array which outlives its window reads zeros and never
 * somebody else's memory.
 *
 * @source mmap(2), MAP_FIXED; Linux fs/proc/vmcore.c mmap_vmcore(): read-only mappings, page-aligned, inside the file
 */
import { toArrayBuffer } from 'bun:ffi';
import { closeSync } from 'node:fs';
import type { FileOffset } from '../binary/units.ts';
import { hex } from '../binary/units.ts';
import { type FileWindow, type MemoryFile, VmcoreError } from '../vmcore/memory-file.ts';
import { mapMemory, mapping, systemPageSize, unmapMemory } from './libc.ts';
import { checkCapacity, checkInside, type OpenedFile, openForReading, readBetween } from './opened-file.ts';
import { PreadWindow } from './pread-file.ts';

/**
 * Opens a file whose windows are mapped as long as the system allows it.
 * @param leastWindowBytes what a window maps, however little is asked of it.
 */
export function openMmapFile(path: string, leastWindowBytes = 1): MemoryFile {
  return new MmapFile(openForReading(path), leastWindowBytes);
}

class MmapFile implements MemoryFile {
  readonly #file: OpenedFile;
  readonly #leastWindowBytes: number;
  #mayMap: boolean | undefined;
  #closed = false;

  constructor(file: OpenedFile, leastWindowBytes: number) {
    this.#file = file;
    this.#leastWindowBytes = leastWindowBytes;
  }

  get path(): string {
    return this.#file.path;
  }

  get sizeBytes(): number {
    return this.#file.sizeBytes;
  }

  read(offset: FileOffset, target: Uint8Array): void {
    checkInside(this.#file, offset, target.length);
    readBetween(this.#file, offset, target, 0, target.length, target.length);
  }

  openWindow(capacityBytes: number, buffer?: Uint8Array): FileWindow {
    this.#mayMap ??= canMap(this.#file);
    if (this.#mayMap) return new MmapWindow(this.#file, capacityBytes, this.#leastWindowBytes);
    return new PreadWindow(this.#file, buffer ?? new Uint8Array(Math.max(capacityBytes, 1)), capacityBytes);
  }

  close(): void {
    if (this.#closed) return;
    this.#closed = true;
    closeSync(this.#file.fd);
  }
}

class MmapWindow implements FileWindow {
  readonly bytes: Uint8Array;
  readonly capacityBytes: number;
  readonly #file: OpenedFile;
  readonly #pageSize = systemPageSize();
  readonly #address: number;
  readonly #reservedBytes: number;
  /** File offsets of the bytes present: `#start <= offset < #end`; `bytes[0]` is the byte at `#start`. */
  #start = 0;
  #end = 0;
  /** Takes over for good once a mapping was refused. */
  #substitute: PreadWindow | undefined;

  constructor(file: OpenedFile, capacityBytes: number, leastBytes: number) {
    this.#file = file;
    this.capacityBytes = capacityBytes;
    // One page more than asked for, so that a range of that length fits wherever in a page it starts.
    this.#reservedBytes = (Math.ceil(Math.max(capacityBytes, leastBytes) / this.#pageSize) + 1) * this.#pageSize;
    this.#address = reserve(this.#reservedBytes, file.path);
    // Why: the range is read as an array, made once, because making one costs more than moving the window.
    // Safe: the range stays reserved for the life of the process; whoever reads it goes through locate, which maps it first.
    this.bytes = new Uint8Array(toArrayBuffer(this.#address as never, 0, this.#reservedBytes));
  }

  locate(offset: FileOffset, length: number): number {
    if (offset >= this.#start && offset + length <= this.#end) return offset - this.#start;
    if (this.#substitute !== undefined) return this.#substitute.locate(offset, length);
    checkInside(this.#file, offset, length);
    checkCapacity(this.#file, length, this.capacityBytes);
    return this.#move(offset, length);
  }

  #move(offset: FileOffset, length: number): number {
    const start = Math.floor(offset / this.#pageSize) * this.#pageSize;
    const end = Math.min(start + this.#reservedBytes, this.#file.sizeBytes);
    const mappedBytes = Math.ceil((end - start) / this.#pageSize) * this.#pageSize;
    this.#start = 0;
    this.#end = 0;
    const address = mapMemory({
      address: this.#address,
      length: mappedBytes,
      protection: mapping.read,
      flags: mapping.shared | mapping.fixed,
      fd: this.#file.fd,
      offset: start,
    });
    if (address !== this.#address) return this.#fallBack().locate(offset, length);
    this.#start = start;
    this.#end = end;
    return offset - start;
  }

  #fallBack(): PreadWindow {
    this.#fillWithMemory(mapping.read | mapping.write);
    this.#substitute = new PreadWindow(this.#file, this.bytes, this.capacityBytes);
    return this.#substitute;
  }

  /** Replaces the file by memory of our own, so that the array stays valid. */
  #fillWithMemory(protection: number): void {
    const request = { address: this.#address, length: this.#reservedBytes, protection, fd: -1, offset: 0 };
    const flags = mapping.private | mapping.anonymous | mapping.noReserve;
    if (mapMemory({ ...request, flags: flags | mapping.fixed }) === this.#address) return;
    throw new VmcoreError('vmcore/io', `Cannot get ${this.#reservedBytes} bytes of memory to read "${this.#file.path}"`);
  }

  close(): void {
    this.#start = 0;
    this.#end = 0;
    this.#substitute = undefined;
    this.#fillWithMemory(mapping.read);
  }
}

function reserve(length: number, path: string): number {
  const flags = mapping.private | mapping.anonymous | mapping.noReserve;
  const address = mapMemory({ address: 0, length, protection: mapping.read, flags, fd: -1, offset: 0 });
  if (address !== undefined) return address;
  throw new VmcoreError('vmcore/io', `Cannot reserve ${hex(length)} bytes of addresses to read "${path}"`);
}

/** Tries one page where the system likes it, before any range depends on it. */
function canMap(file: OpenedFile): boolean {
  const length = systemPageSize();
  const request = { address: 0, length, protection: mapping.read, flags: mapping.shared, fd: file.fd, offset: 0 };
  const address = mapMemory(request);
  if (address !== undefined) unmapMemory(address, length);
  return address !== undefined;
}
