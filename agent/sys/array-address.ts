/** Addresses of JavaScript arrays for native code, without a cost per page. */
import { ptr } from 'bun:ffi';

/**
 * Remembers the address of the array it was asked for last: a window or a buffer stays the same for thousands of pages, and neither a
 * subarray nor an address look-up is needed for each of them.
 *
 * The remembered array stays alive as long as this object does. Only the address is remembered, never a length: callers compare
 * their range with the array's present length each time, and that is 0 for an array whose memory was given away.
 */
export class ArrayAddress {
  #array: Uint8Array | undefined;
  #address = 0;

  /** The address of `array[index]`; the caller has checked that what it lets native code touch lies inside the array. */
  of(array: Uint8Array, index: number): number {
    if (array !== this.#array) this.#remember(array);
    return this.#address + index;
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
