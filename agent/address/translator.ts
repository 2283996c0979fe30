/** From kernel virtual addresses to physical ones, by the crashed kernel's own page tables. */
import type { PhysAddr, VirtAddr } from '../binary/units.ts';
import { KcaptureError } from '../errors.ts';

/** Codes: `address/not-mapped`, `address/bad-table`, `address/unsupported` (no page table root, unknown paging mode). */
export class AddressError extends KcaptureError {}

/** Where a virtual address leads: the physical address, and how far the mapping goes on in one piece. */
export type Translation = {
  readonly physical: PhysAddr;
  /** Bytes from `physical` to the end of the page or block that maps it. */
  readonly contiguousBytes: number;
};

export interface Translator {
  /**
   * @returns `undefined` when no table entry maps the address.
   * @throws AddressError `address/bad-table` when a table lies outside the vmcore.
   */
  translate(address: VirtAddr): Translation | undefined;
}
