/** What there is to know about LZO1X blocks without the library. */

/** Bytes of scratch memory that LZO1X-1 wants: 16384 pointers of 8 bytes. @source lzo1x.h, LZO1X_1_MEM_COMPRESS on a 64-bit machine */
export const lzoWorkBytes = 16384 * 8;

/** The room a compressor wants, for a page of `length` bytes: it is not told where the target ends. @source LZO FAQ, "incompressible data" */
export function lzoOutputBound(length: number): number {
  return length + Math.floor(length / 16) + 64 + 3;
}
