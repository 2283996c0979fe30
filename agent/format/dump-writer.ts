/**
 * What all dump formats have in common for the one who feeds them: pages come in ascending PFN order, each kept page once.
 */
import type { Pfn } from '../binary/units.ts';
import type { BitmapWindow } from '../bitmap/windows.ts';
import { KcaptureError } from '../errors.ts';

/** A dump that cannot be written or read. Codes: `format/not-a-dump`, `format/corrupt`, `format/unsupported`, `format/order`, `format/changed`,
 * `format/incomplete`. */
export class FormatError extends KcaptureError {}

export interface DumpWriter {
  /** The pages that follow are those of this window. Absent: the writer has all of the bitmap. */
  startWindow?(window: BitmapWindow): void;
  /** The page is all zero. */
  addZeroPage(pfn: Pfn): void;
  /**
   * A page as it is to be stored.
   * @param flags page_desc.flags: 0 raw (then `length` is the page size), else one of `codecFlags`.
   */
  addPage(pfn: Pfn, bytes: Uint8Array, start: number, length: number, flags: number): void;
  /** The page belongs here, but the source would not give it. Readers say so, and `finish` leaves the dump marked incomplete. */
  addLostPage(pfn: Pfn): void;
  /** Writes what is still buffered and marks the dump complete. */
  finish(): void;
  /**
   * After a failed write: leaves what is there as a readable dump that says it is incomplete, as well as the sink still allows. Never throws.
   */
  abandon(): void;
  /** Bytes of the dump so far. */
  readonly writtenBytes: number;
  /** Pages the file leaves out, where its format keeps more than the filter does. */
  readonly excludedPages?: number;
}
