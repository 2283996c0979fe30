/**
 * One bit a page frame, least significant bit first: the layout of both bitmaps of a kdump-compressed dump.
 */
import { KcaptureError } from '../errors.ts';
import type { Pfn, PfnRange } from '../binary/units.ts';
import type { BitmapWindow, BitmapWindows } from './windows.ts';

/** Codes: `bitmap/short`, `bitmap/too-large`, `bitmap/windowed`. */
export class BitmapError extends KcaptureError {}

/** 64 TiB of 4 KiB pages, a bitmap of 2 GiB. */
const mostBits = 2 ** 34;

/** Bits set in a byte value. */
const ones = new Uint8Array(256);
for (let i = 1; i < 256; i++) ones[i] = ones[i >> 1] + (i & 1);

function allocate(sizeBits: number): Uint8Array {
  if (!(sizeBits >= 0 && sizeBits <= mostBits)) {
    throw new BitmapError('bitmap/too-large', `Cannot make a bitmap of ${sizeBits} page frames: expected at most ${mostBits}`);
  }
  try {
    return new Uint8Array(Math.ceil(sizeBits / 8));
  } catch (cause) {
    const found = `no memory for ${Math.ceil(sizeBits / 8)} bytes`;
    throw new BitmapError('bitmap/too-large', `Cannot make a bitmap of ${sizeBits} page frames: ${found}`, { cause });
  }
}

/** Number of the lowest bit that is set; of any number but 0. */
function lowestBit(bits: number): number {
  return 31 - Math.clz32(bits & -bits);
}

export class Bitmap implements BitmapWindows {
  /** `ceil(sizeBits / 8)` bytes; bits at and above `sizeBits` are zero. */
  readonly bytes: Uint8Array;
  readonly sizeBits: number;

  /**
   * @param bytes taken over, not copied; as long as `sizeBits` needs.
   * @throws BitmapError `bitmap/too-large` for more than 2^34 bits, or more than there is memory for; `bitmap/short`.
   */
  constructor(sizeBits: number, bytes: Uint8Array = allocate(sizeBits)) {
    if (bytes.length < Math.ceil(sizeBits / 8)) {
      throw new BitmapError('bitmap/short', `Cannot use a bitmap of ${bytes.length} bytes: expected ${Math.ceil(sizeBits / 8)}`);
    }
    this.bytes = bytes;
    this.sizeBits = sizeBits;
  }

  static fromRanges(sizeBits: number, ranges: readonly PfnRange[]): Bitmap {
    const bitmap = new Bitmap(sizeBits);
    for (const { start, end } of ranges) bitmap.setRange(start, end);
    return bitmap;
  }

  /** False outside `0 … sizeBits`. PFNs stay far below 2^31 * 8, and `pfn >>> 3` would not for 32-bit reasons: divide. */
  has(pfn: Pfn): boolean {
    return pfn >= 0 && pfn < this.sizeBits && (this.bytes[Math.floor(pfn / 8)] & (1 << (pfn % 8))) !== 0;
  }

  set(pfn: Pfn): void {
    if (pfn >= 0 && pfn < this.sizeBits) this.bytes[Math.floor(pfn / 8)] |= 1 << (pfn % 8);
  }

  clear(pfn: Pfn): void {
    if (pfn >= 0 && pfn < this.sizeBits) this.bytes[Math.floor(pfn / 8)] &= ~(1 << (pfn % 8));
  }

  /** Half-open; the part outside `0 … sizeBits` is ignored. */
  setRange(start: Pfn, end: Pfn): void {
    this.#fillRange(start, end, true);
  }

  /** @returns how many of the bits were set. */
  clearRange(start: Pfn, end: Pfn): number {
    const before = this.#countRange(start, end);
    this.#fillRange(start, end, false);
    return before;
  }

  get windowCount(): number {
    return 1;
  }

  windows(): Iterable<BitmapWindow> {
    return [{ start: 0, bits: this }];
  }

  /** 32 bits that are others when some bit is another: to see whether a bitmap that was made anew is the same. 1.3 ns a byte. */
  checksum(): number {
    let sum = 0x811c9dc5;
    for (let index = 0; index < this.bytes.length; index++) sum = Math.imul(sum ^ this.bytes[index], 0x01000193);
    return sum;
  }

  /** How many bits are set. */
  count(): number {
    let total = 0;
    const { bytes } = this;
    for (let index = 0; index < bytes.length; index++) total += ones[bytes[index]];
    return total;
  }

  /** The first set bit at or after `from`; `sizeBits` when there is none. */
  nextSet(from: Pfn): number {
    return this.#next(from, 0);
  }

  /** The first clear bit at or after `from`; `sizeBits` when there is none. */
  nextClear(from: Pfn): number {
    return this.#next(from, 0xff);
  }

  /** Every run of set bits, ascending. Not for inner loops: use `nextSet` and `nextClear` there. */
  *ranges(): Generator<PfnRange> {
    for (let start = this.nextSet(0); start < this.sizeBits; ) {
      const end = this.nextClear(start);
      yield { start, end };
      start = this.nextSet(end);
    }
  }

  #next(from: number, uninteresting: number): number {
    const start = Math.max(0, from);
    if (start >= this.sizeBits) return this.sizeBits;
    let index = Math.floor(start / 8);
    const rest = (this.bytes[index] ^ uninteresting) >> (start % 8);
    if (rest !== 0) return Math.min(this.sizeBits, start + lowestBit(rest));
    const { bytes } = this;
    do index++;
    while (index < bytes.length && bytes[index] === uninteresting);
    if (index >= bytes.length) return this.sizeBits;
    return Math.min(this.sizeBits, index * 8 + lowestBit(bytes[index] ^ uninteresting));
  }

  #countRange(from: Pfn, to: Pfn): number {
    const start = Math.max(0, from);
    const end = Math.min(this.sizeBits, to);
    if (end <= start) return 0;
    const first = Math.floor(start / 8);
    const last = Math.floor((end - 1) / 8);
    const head = 0xff << (start % 8);
    const tail = 0xff >> (7 - ((end - 1) % 8));
    if (first === last) return ones[this.bytes[first] & head & tail];
    let total = ones[this.bytes[first] & head & 0xff] + ones[this.bytes[last] & tail];
    for (let i = first + 1; i < last; i++) total += ones[this.bytes[i]];
    return total;
  }

  #fillRange(from: number, to: number, value: boolean): void {
    const start = Math.max(0, from);
    const end = Math.min(this.sizeBits, to);
    const firstFull = Math.min(end, Math.ceil(start / 8) * 8);
    const lastFull = Math.max(firstFull, Math.floor(end / 8) * 8);
    const one = value ? this.set : this.clear;
    for (let pfn = start; pfn < firstFull; pfn++) one.call(this, pfn);
    if (lastFull > firstFull) this.bytes.fill(value ? 0xff : 0, firstFull / 8, lastFull / 8);
    for (let pfn = lastFull; pfn < end; pfn++) one.call(this, pfn);
  }
}
