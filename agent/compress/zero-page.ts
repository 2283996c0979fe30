/**
 * Is this page all zero? Asked for every kept page.
 *
 * Most pages answer with their first words. The whole of a zero page is read four bytes at a time through a second view of the same memory,
 * which is made once for each window, not for each page.
 */

let viewed: Uint8Array | undefined;
let words: Int32Array<ArrayBufferLike> = new Int32Array(0);
/** Index in `words` of the first whole word of `viewed`, and the bytes before it. */
let skew = 0;

/** @param start … `start + length` lie inside `bytes`; what lies outside counts as not zero. */
export function isZeroPage(bytes: Uint8Array, start: number, length: number): boolean {
  if (bytes !== viewed) look(bytes);
  const first = start - skew;
  if (first < 0 || first % 4 !== 0 || length % 4 !== 0) return isZeroBytes(bytes, start, length);
  const end = (first + length) / 4;
  let index = first / 4;
  if (words[index] !== 0 || end > words.length) return false;
  for (; index + 8 <= end; index += 8) {
    const low = words[index] | words[index + 1] | words[index + 2] | words[index + 3];
    const high = words[index + 4] | words[index + 5] | words[index + 6] | words[index + 7];
    if ((low | high) !== 0) return false;
  }
  for (; index < end; index++) if (words[index] !== 0) return false;
  return true;
}

/** For pages that do not start at a word: ELF files whose segments are not aligned. */
function isZeroBytes(bytes: Uint8Array, start: number, length: number): boolean {
  for (let index = start; index < start + length; index++) if (bytes[index] !== 0) return false;
  return true;
}

function look(bytes: Uint8Array): void {
  skew = (4 - (bytes.byteOffset % 4)) % 4;
  const whole = Math.max(0, Math.floor((bytes.length - skew) / 4));
  words = whole === 0 ? new Int32Array(0) : new Int32Array(bytes.buffer, bytes.byteOffset + skew, whole);
  viewed = bytes;
}
