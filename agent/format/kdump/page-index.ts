/**
 * Which descriptor belongs to a page frame: how many bits of the 2nd bitmap stand before its own.
 *
 * A running count a block of 512 bits, and a popcount of at most 64 bytes a look-up; the next page in order costs nothing.
 */
import type { Pfn } from '../../binary/units.ts';
import type { Bitmap } from '../../bitmap/bitmap.ts';

const blockBytes = 64;

const ones = new Uint8Array(256);
for (let i = 1; i < 256; i++) ones[i] = ones[i >> 1] + (i & 1);

export class PageIndex {
  readonly #bytes: Uint8Array;
  /** How many bits are set before each block. Doubles: more than 2^32 pages are possible. */
  readonly #before: Float64Array;
  /** How many bits are set. */
  readonly total: number;
  #lastPfn = -1;
  #lastRank = 0;

  /** @param bitmap must not change afterwards. */
  constructor(bitmap: Bitmap) {
    this.#bytes = bitmap.bytes;
    this.#before = new Float64Array(Math.ceil(this.#bytes.length / blockBytes) + 1);
    let count = 0;
    for (let at = 0; at < this.#bytes.length; at++) {
      if (at % blockBytes === 0) this.#before[at / blockBytes] = count;
      count += ones[this.#bytes[at]];
    }
    this.#before[this.#before.length - 1] = count;
    this.total = count;
  }

  /** How many bits below `pfn` are set. `pfn` is at most the size of the bitmap. */
  rank(pfn: Pfn): number {
    if (pfn === this.#lastPfn + 1 && this.#lastPfn >= 0) this.#lastRank += this.#bit(this.#lastPfn);
    else if (pfn !== this.#lastPfn) this.#lastRank = this.#count(pfn);
    this.#lastPfn = pfn;
    return this.#lastRank;
  }

  #bit(pfn: Pfn): number {
    return (this.#bytes[Math.floor(pfn / 8)] >> (pfn % 8)) & 1;
  }

  #count(pfn: Pfn): number {
    const byte = Math.floor(pfn / 8);
    const block = Math.floor(byte / blockBytes);
    let count = this.#before[block];
    for (let at = block * blockBytes; at < byte; at++) count += ones[this.#bytes[at]];
    return pfn % 8 === 0 ? count : count + ones[this.#bytes[byte] & ((1 << (pfn % 8)) - 1)];
  }
}
