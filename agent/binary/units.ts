/**
 * Units of the addresses and counts that pass between the rooms.
 *
 * Every one of them is a plain `number`, exact up to 2^53. The optional tag lets plain arithmetic results in, and
 * keeps a page frame number from being passed where a file offset is wanted. Never shift them: JavaScript shifts are 32 bits wide.
 */

/** A page frame number: physical address divided by the page size of the dumped kernel. */
export type Pfn = number & { readonly unit?: 'pfn' };

/** A physical address of the dumped machine, in bytes. */
export type PhysAddr = number & { readonly unit?: 'physical address' };

/** A position in a file, in bytes from its start. */
export type FileOffset = number & { readonly unit?: 'file offset' };

/** A kernel virtual address of the dumped machine: 64 bits, so never used inside a hot loop. */
export type VirtAddr = bigint & { readonly unit?: 'virtual address' };

/** A half-open range of page frame numbers, `start <= pfn < end`. */
export type PfnRange = { readonly start: Pfn; readonly end: Pfn };

export const KiB = 1024;
export const MiB = 1024 * KiB;
export const GiB = 1024 * MiB;

/** An address or offset as it stands in messages: `0x1f000`. */
export function hex(value: number | bigint): string {
  return value < 0 ? `-0x${(-value).toString(16)}` : `0x${value.toString(16)}`;
}

/** A byte count for people, with binary units: `1.4 GiB`. */
export function formatBytes(bytes: number): string {
  const units = ['B', 'KiB', 'MiB', 'GiB', 'TiB', 'PiB'];
  let value = bytes;
  let unit = 0;
  while (value >= 1024 && unit < units.length - 1) {
    value /= 1024;
    unit++;
  }
  return unit === 0 ? `${bytes} B` : `${value.toFixed(value < 10 ? 2 : value < 100 ? 1 : 0)} ${units[unit]}`;
}
