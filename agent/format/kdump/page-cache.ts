/** Expanded pages that were read out of order: page tables and small structures are asked for again and again. */
import type { Pfn } from '../../binary/units.ts';

export class PageCache {
  readonly #pageBytes: number;
  readonly #capacity: number;
  /** In order of last use, the oldest first. */
  readonly #pages = new Map<Pfn, Uint8Array>();

  constructor(pageBytes: number, capacity: number) {
    this.#pageBytes = pageBytes;
    this.#capacity = capacity;
  }

  /** The page, or undefined. It belongs to the cache: do not write to it, do not keep it. */
  get(pfn: Pfn): Uint8Array | undefined {
    const page = this.#pages.get(pfn);
    if (page !== undefined) {
      this.#pages.delete(pfn);
      this.#pages.set(pfn, page);
    }
    return page;
  }

  /** An array for the caller to fill and then `put`: that of the oldest page once the cache is full. */
  take(): Uint8Array {
    if (this.#pages.size < this.#capacity) return new Uint8Array(this.#pageBytes);
    const [[oldest, page]] = this.#pages;
    this.#pages.delete(oldest);
    return page;
  }

  put(pfn: Pfn, page: Uint8Array): void {
    this.#pages.set(pfn, page);
  }
}
