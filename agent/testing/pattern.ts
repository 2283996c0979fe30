/** Bytes that differ from each other wherever they are cut. */

/** @param seed other seeds, other bytes. */
export function makePattern(length: number, seed = 1): Uint8Array {
  const bytes = new Uint8Array(length);
  let state = Math.imul(seed, 0x9e3779b1) | 1;
  for (let at = 0; at < length; at++) {
    state ^= state << 13;
    state ^= state >>> 17;
    state ^= state << 5;
    bytes[at] = state;
  }
  return bytes;
}

/** Of three pages in a row the first stays zero, the second compresses well, the third badly. @param page all zero. */
export function fillMixedPage(pfn: number, page: Uint8Array): void {
  if (pfn % 3 === 0) return;
  for (let i = 0; i < page.length; i++) page[i] = pfn % 3 === 1 ? (i * pfn) >> 5 : (Math.imul(i + pfn, 0x9e3779b1) >>> 13) & 0xff;
}
