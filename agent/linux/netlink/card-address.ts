/** The hardware address of a network card, as text. */

/** `00:11:22:33:44:55`, of as many bytes as there are; `undefined`: it has none. */
export function formatCardAddress(bytes: Uint8Array | undefined): string | undefined {
  if (bytes === undefined || bytes.length === 0) return undefined;
  return Array.from(bytes, (byte) => byte.toString(16).padStart(2, '0')).join(':');
}

const ethernetBytes = 6;

/** Of Ethernet and its like; `undefined` for others, and for none. */
export function formatEthernetAddress(bytes: Uint8Array | undefined): string | undefined {
  return bytes?.length === ethernetBytes ? formatCardAddress(bytes) : undefined;
}
