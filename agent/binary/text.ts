/** Text inside binary structures: NUL-terminated, mostly ASCII, never trusted to be either. */

const utf8 = new TextDecoder('utf-8');
const encoder = new TextEncoder();

/** The text up to the first NUL (or the end of the array). Bytes that are not UTF-8 become U+FFFD. */
export function decodeText(bytes: Uint8Array): string {
  const end = bytes.indexOf(0);
  return utf8.decode(end < 0 ? bytes : bytes.subarray(0, end));
}

export function encodeText(text: string): Uint8Array {
  return encoder.encode(text);
}
