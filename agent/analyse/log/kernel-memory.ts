/**
 * The little of kernel memory that a log reader needs: scalars, and long arrays read a window at a time.
 *
 * Comes in: anything that reads virtual addresses. Goes out: numbers, and array pieces in one buffer. A page that the dump lacks costs the
 * records on it, not the log.
 */
import { KcaptureError } from '../../errors.ts';

/** Reads virtual memory of the crashed kernel. `VirtualMemory` is one. */
export interface KernelMemory {
  /** @throws KcaptureError when any byte cannot be read. */
  read(address: bigint, target: Uint8Array): void;
}

/** @throws KcaptureError what the memory throws. */
export function readU32(memory: KernelMemory, address: bigint): number {
  return readView(memory, address, 4).getUint32(0, true);
}

/** @throws KcaptureError what the memory throws. */
export function readU64(memory: KernelMemory, address: bigint): bigint {
  return readView(memory, address, 8).getBigUint64(0, true);
}

/** @throws KcaptureError what the memory throws. */
export function readView(memory: KernelMemory, address: bigint, length: number): DataView {
  const bytes = new Uint8Array(length);
  memory.read(address, bytes);
  return new DataView(bytes.buffer);
}

const windowBytes = 256 * 1024;
const pageBytes = 4096;

/**
 * An array in kernel memory, read in large pieces as it is walked, so that its claimed length never decides an allocation.
 */
export class KernelArray {
  readonly lengthBytes: number;
  /** The window; its content changes with `locate`. */
  readonly bytes: Uint8Array;
  readonly view: DataView;
  readonly #memory: KernelMemory;
  readonly #address: bigint;
  #start = 0;
  #end = 0;
  /** Drops to a page once a large piece turned out to be unreadable. */
  #step: number;
  /** The part on the page that was found unreadable last: asking for it again costs nothing. */
  #badStart = 0;
  #badEnd = 0;

  constructor(memory: KernelMemory, address: bigint, lengthBytes: number) {
    this.#memory = memory;
    this.#address = address;
    this.lengthBytes = lengthBytes;
    this.#step = Math.min(windowBytes, lengthBytes);
    // A record's text is at most 65,535 bytes long, so it always fits.
    this.bytes = new Uint8Array(this.#step);
    this.view = new DataView(this.bytes.buffer);
  }

  /**
   * Makes bytes `offset … offset + length` of the array present.
   *
   * @returns the index in `bytes` at which they start; -1 when they lie outside the array or cannot be read.
   */
  locate(offset: number, length: number): number {
    if (offset < 0 || length < 0 || offset + length > this.lengthBytes || length > this.bytes.length) return -1;
    if (offset >= this.#start && offset + length <= this.#end) return offset - this.#start;
    if (offset >= this.#badStart && offset < this.#badEnd) return -1;
    if (this.#load(offset, Math.min(Math.max(this.#step, length), this.lengthBytes - offset))) return 0;
    this.#step = Math.min(this.#step, pageBytes);
    if (this.#load(offset, length)) return 0;
    if (!this.#load(offset, 1)) this.#rememberBad(offset);
    return -1;
  }

  #rememberBad(offset: number): void {
    const inPage = Number((this.#address + BigInt(offset)) % BigInt(pageBytes));
    this.#badStart = offset - inPage;
    this.#badEnd = this.#badStart + pageBytes;
  }

  #load(offset: number, length: number): boolean {
    this.#end = 0;
    try {
      this.#memory.read(this.#address + BigInt(offset), this.bytes.subarray(0, length));
    } catch (error) {
      if (error instanceof KcaptureError) return false;
      throw error;
    }
    this.#start = offset;
    this.#end = offset + length;
    return true;
  }
}
