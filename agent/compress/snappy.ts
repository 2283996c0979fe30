/** What there is to know about snappy blocks without the library. */

/**
 * The room a compressor wants, for a page of `length` bytes.
 *
 * @source snappy format description: 32 bytes and a sixth more than the input
 */
export function snappyOutputBound(length: number): number {
  return 32 + length + Math.floor(length / 6);
}
