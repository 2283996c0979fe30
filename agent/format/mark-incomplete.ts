/** The mark by which a dump says that its writer did not finish, for dumps that others wrote. */
import { decodeText } from '../binary/text.ts';
import { DUMP_ELF_INCOMPLETE, elfHeader } from '../vmcore/elf-layout.ts';
import { diskDumpHeader, kdumpSignature, statusFlags } from './kdump/layout.ts';

/** How much of a file `markIncomplete` has to see. */
export const markedBytes = diskDumpHeader.sizeBytes;

/**
 * Sets the mark in the first bytes of a kdump-compressed or ELF dump.
 * @param head changed in place.
 * @returns false when it is neither, or too short.
 */
export function markIncomplete(head: Uint8Array): boolean {
  if (head.length < markedBytes) return false;
  if (decodeText(head.subarray(0, kdumpSignature.length)) === kdumpSignature) {
    head[diskDumpHeader.fields.status[0]] |= statusFlags.incomplete;
    return true;
  }
  if (head[0] === 0x7f && decodeText(head.subarray(1, 4)) === 'ELF') {
    head[elfHeader.fields.flags[0]] |= DUMP_ELF_INCOMPLETE;
    return true;
  }
  return false;
}
