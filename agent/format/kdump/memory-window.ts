/**
 * A window on the memory in a kdump-compressed dump: a run of neighbouring pages, expanded side by side as they are asked for.
 */
import type { Pfn, PhysAddr } from '../../binary/units.ts';
import type { MemoryWindow } from '../../vmcore/physical-memory.ts';
import type { PageStore } from './page-store.ts';

export class KdumpWindow implements MemoryWindow {
  readonly bytes: Uint8Array;
  readonly capacityBytes: number;
  readonly #store: PageStore;
  readonly #pageBytes: number;
  readonly #requirePages: (start: Pfn, end: Pfn) => void;
  /** The pages that are in view: the first, and one past the last. */
  #start: Pfn = 0;
  #end: Pfn = 0;

  /** @param requirePages throws when one of the pages is not in the dump. */
  constructor(store: PageStore, pageBytes: number, capacityBytes: number, requirePages: (start: Pfn, end: Pfn) => void) {
    this.bytes = new Uint8Array((Math.ceil(capacityBytes / pageBytes) + 1) * pageBytes);
    this.capacityBytes = capacityBytes;
    this.#store = store;
    this.#pageBytes = pageBytes;
    this.#requirePages = requirePages;
  }

  locate(address: PhysAddr, length: number): number {
    const first = Math.floor(address / this.#pageBytes);
    const end = Math.ceil((address + length) / this.#pageBytes);
    if (first < this.#start || end > this.#end) this.#show(first, end);
    return address - this.#start * this.#pageBytes;
  }

  close(): void {}

  #show(first: Pfn, end: Pfn): void {
    const pageBytes = this.#pageBytes;
    if ((end - first) * pageBytes > this.bytes.length)
      throw new RangeError(`A window of ${this.capacityBytes} bytes cannot show ${end - first} pages`);
    this.#requirePages(first, end);
    if (first < this.#start || first > this.#end || (end - this.#start) * pageBytes > this.bytes.length) {
      this.#start = first;
      this.#end = first;
    }
    for (; this.#end < end; this.#end++) this.#store.fetch(this.#end, this.bytes, (this.#end - this.#start) * pageBytes);
  }
}
