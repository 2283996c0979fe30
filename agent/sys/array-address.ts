/** Addresses of JavaScript arrays for native code, without a cost per page. */
import { ptr } from 'bun:ffi';
import { checkPageRange } from '../compress/page-range.ts';

/**
 * Remembers the address of the array it was asked for last: a window or a buffer stays the same for thousands of pages, and neither a
 * subarray nor an address look-up is needed for each of them.
 *
 * The remembered array stays alive as long as this object does. Only the address is remembered, never a length: the range is compared
 * with the array's present length each time, and that is 0 for an array whose memory was given away.
 */
export class ArrayAddress {
  #array: Uint8Array | undefined;
  #address = 0;

  /**
   * The address of `array[start]`, from which native code may touch `length` bytes.
   *
   * @throws CompressError `compress/failed` unless all of them lie inside the array as it is now.
   */
  of(array: Uint8Array, start: number, length: number): number {
    checkPageRange(array, start, length);
    if (array !== this.#array) this.#remember(array);
    return this.#address + start;
  }

  #remember(array: Uint8Array): void {
    // Small arrays live inside the heap until somebody asks for their buffer, which moves their bytes: ask first.
    if (array.buffer.byteLength < array.length) throw new RangeError('Cannot find the address of an array outside its buffer');
    // Why: native code takes addresses.
    // Safe: the array is kept alive by this object, and its bytes do not move once its buffer exists.
    this.#address = ptr(array);
    this.#array = array;
  }
}
