/** The check every codec makes before an address leaves JavaScript. */
import { CompressError } from './codec.ts';

/**
 * Cost: three comparisons a call.
 *
 * @throws CompressError `compress/failed` unless `start … start + length` lies inside `bytes` and `length` is positive.
 */
export function checkPageRange(bytes: Uint8Array, start: number, length: number): void {
  if (start >= 0 && length > 0 && start + length <= bytes.length && Number.isInteger(start) && Number.isInteger(length)) return;
  throw new CompressError('compress/failed', `Cannot reach bytes ${start} … ${start + length} of a page buffer: it holds ${bytes.length}`);
}

/** The error for a block that does not expand to the page it should. */
export function corruptBlock(codec: string, length: number, wanted: number, found: string): CompressError {
  return new CompressError('compress/corrupt', `Cannot expand a ${codec} block of ${length} bytes: ${found}, expected ${wanted} bytes`);
}
