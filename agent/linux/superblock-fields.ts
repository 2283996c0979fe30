/** Fields of superblocks: numbers in little endian, magic texts, UUIDs. Offsets lie inside the array: callers know its length. */

/** An unsigned number of 2 or 4 bytes. */
export function littleEndian(bytes: Uint8Array, offset: number, length: 2 | 4): number {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
  return length === 2 ? view.getUint16(offset, true) : view.getUint32(offset, true);
}

/** True when the bytes at `offset` are the characters of `magic`, each one byte. */
export function holdsText(bytes: Uint8Array, offset: number, magic: string): boolean {
  for (let index = 0; index < magic.length; index++) if (bytes[offset + index] !== magic.charCodeAt(index)) return false;
  return true;
}

/** 16 bytes as `01234567-89ab-…`; `undefined` when all are zero, which means that there is none. */
export function formatUuid(bytes: Uint8Array, offset: number): string | undefined {
  const part = bytes.subarray(offset, offset + 16);
  if (part.every((byte) => byte === 0)) return undefined;
  const digits = Array.from(part, (byte) => byte.toString(16).padStart(2, '0')).join('');
  return digits.replace(/^(.{8})(.{4})(.{4})(.{4})(.{12})$/, '$1-$2-$3-$4-$5');
}

/** 16 bytes as a GUID: the first three groups are little endian. */
export function formatGuid(bytes: Uint8Array, offset: number): string | undefined {
  const swapped = bytes.slice(offset, offset + 16);
  swapped.subarray(0, 4).reverse();
  swapped.subarray(4, 6).reverse();
  swapped.subarray(6, 8).reverse();
  return formatUuid(swapped, 0);
}
