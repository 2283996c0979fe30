/**
 * A page codec: one page in, one self-contained block out. The four that kdump-compressed dumps know.
 */
import { KcaptureError } from '../errors.ts';

/** Codes: `compress/unavailable` (library missing), `compress/corrupt` (a block that does not expand), `compress/failed`. */
export class CompressError extends KcaptureError {}

export type CodecName = 'zlib' | 'lzo' | 'snappy' | 'zstd';

/** page_desc.flags and disk_dump_header.status bits. @source facts §1.4; makedumpfile diskdump_mod.h */
export const codecFlags = { zlib: 0x1, lzo: 0x2, snappy: 0x4, zstd: 0x20 } as const satisfies Record<CodecName, number>;

/**
 * Holds native memory; close it. One instance serves one thread. All indexes are checked against the arrays before native code
 * sees an address.
 */
export interface PageCodec {
  readonly name: CodecName;
  /** Bytes `target` must have after `targetStart` for `compress` of a page of `length` bytes. */
  outputBound(length: number): number;
  /**
   * Compresses `source[sourceStart … sourceStart + length)` into `target` from `targetStart` on.
   * @returns the bytes written; 0 when the block would not be smaller than `length` (the page is then stored raw).
   */
  compress(source: Uint8Array, sourceStart: number, length: number, target: Uint8Array, targetStart: number): number;
  /**
   * Expands one block, which must give exactly `targetLength` bytes.
   * @throws CompressError `compress/corrupt`
   */
  decompress(
    source: Uint8Array,
    sourceStart: number,
    sourceLength: number,
    target: Uint8Array,
    targetStart: number,
    targetLength: number,
  ): void;
  /** Another level for the pages from now on. Absent: the codec has one level, or keeps the one it was opened with. */
  setLevel?(level: number): void;
  close(): void;
}
