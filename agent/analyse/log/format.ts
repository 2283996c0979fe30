/**
 * One log record as a line: `[    1.234567] [    T123] text`.
 *
 * The line is the one of makedumpfile --dump-dmesg, byte for byte, because scripts compare and parse it. Its oddities are kept:
 * a line break inside a record is followed by blanks up to the width of the prefix; a byte that is neither printable nor white space becomes
 * `\x1b`; and a byte above 0x7f is sign-extended where C's char is signed, `\xffffffc3` on x86.
 */
import type { LogText } from './log-text.ts';

/** `caller_id` of a record: a thread number, or a CPU number when this bit is set. @source kernel/printk/printk.c printk_caller_id() */
const callerIsCpu = 0x8000_0000;

const newline = 0x0a;

export type RecordHead = {
  /** Nanoseconds since boot. */
  readonly timeNs: bigint;
  /** The raw u32; undefined when the kernel does not export where it is. */
  readonly callerId: number | undefined;
};

/** Appends the record as one line, or as several when its text contains line breaks. */
export function formatRecord(out: LogText, head: RecordHead, text: Uint8Array, signedChars: boolean): void {
  const prefix = formatPrefix(head);
  out.addAscii(prefix);
  for (const byte of text) {
    if (byte === newline) out.addAscii(`\n${' '.repeat(prefix.length)}`);
    else if (isText(byte)) out.addByte(byte);
    else out.addAscii(escapeByte(byte, signedChars));
  }
  out.addByte(newline);
}

function formatPrefix({ timeNs, callerId }: RecordHead): string {
  const seconds = (timeNs / 1_000_000_000n).toString().padStart(5);
  const micros = ((timeNs % 1_000_000_000n) / 1000n).toString().padStart(6, '0');
  if (callerId === undefined) return `[${seconds}.${micros}] `;
  const caller = callerId >= callerIsCpu ? `C${callerId - callerIsCpu}` : `T${callerId}`;
  return `[${seconds}.${micros}] [${caller.padStart(8)}] `;
}

/** Printable ASCII, tab, vertical tab, form feed, carriage return. */
function isText(byte: number): boolean {
  return (byte >= 0x20 && byte <= 0x7e) || (byte >= 0x09 && byte <= 0x0d);
}

function escapeByte(byte: number, signedChars: boolean): string {
  const digits = byte.toString(16).padStart(2, '0');
  return signedChars && byte > 0x7f ? `\\xffffff${digits}` : `\\x${digits}`;
}
