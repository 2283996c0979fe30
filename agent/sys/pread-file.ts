/**
 * Files read with pread: every platform, every file, no mapping. In goes a path, out comes a `MemoryFile`.
 *
 * A window keeps a plain buffer. How much it reads ahead follows the use: it starts small, doubles while the reading is sequential, and
 * falls back when it jumps, so that scattered pages of a filtered dump do not read what lies between them.
 */
import { closeSync } from 'node:fs';
import type { FileOffset } from '../binary/units.ts';
import { KiB } from '../binary/units.ts';
import type { FileWindow, MemoryFile } from '../vmcore/memory-file.ts';
import { checkCapacity, checkInside, type OpenedFile, openForReading, readBetween } from './opened-file.ts';

const smallestReadAhead = 64 * KiB;

export function openPreadFile(path: string): MemoryFile {
  return new PreadFile(openForReading(path));
}

class PreadFile implements MemoryFile {
  readonly #file: OpenedFile;
  #closed = false;

  constructor(file: OpenedFile) {
    this.#file = file;
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

  openWindow(capacityBytes: number, buffer = new Uint8Array(Math.max(capacityBytes, 1))): FileWindow {
    return new PreadWindow(this.#file, buffer, capacityBytes);
  }

  close(): void {
    if (this.#closed) return;
    this.#closed = true;
    closeSync(this.#file.fd);
  }
}

/** A window that copies. `bytes` is the caller's, at least `capacityBytes` long, and is written on every move. */
export class PreadWindow implements FileWindow {
  readonly bytes: Uint8Array;
  readonly capacityBytes: number;
  readonly #file: OpenedFile;
  /** File offsets of the bytes present: `#start <= offset < #end`; `bytes[0]` is the byte at `#start`. */
  #start = 0;
  #end = 0;
  #readAhead = smallestReadAhead;

  constructor(file: OpenedFile, bytes: Uint8Array, capacityBytes: number) {
    this.#file = file;
    this.bytes = bytes;
    this.capacityBytes = capacityBytes;
  }

  locate(offset: FileOffset, length: number): number {
    if (offset >= this.#start && offset + length <= this.#end) return offset - this.#start;
    checkInside(this.#file, offset, length);
    checkCapacity(this.#file, length, this.capacityBytes);
    return this.#move(offset, length);
  }

  /** Appends to what is there while there is room, so that indexes already handed out stay right; else starts again at `offset`. */
  #move(offset: FileOffset, length: number): number {
    const sequential = offset >= this.#start && offset <= this.#end;
    this.#readAhead = sequential ? Math.min(this.#readAhead * 2, this.bytes.length) : smallestReadAhead;
    const appends = sequential && offset + length - this.#start <= this.bytes.length;
    if (!appends) {
      this.#start = offset;
      this.#end = offset;
    }
    const from = this.#end;
    const needed = offset + length - from;
    const room = Math.min(this.bytes.length - (from - this.#start), this.#file.sizeBytes - from);
    const wanted = Math.min(Math.max(needed, this.#readAhead), room);
    this.#end = from + readBetween(this.#file, from, this.bytes, from - this.#start, needed, wanted);
    return offset - this.#start;
  }

  close(): void {
    this.#start = 0;
    this.#end = 0;
  }
}
