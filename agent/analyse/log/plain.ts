/**
 * The byte buffer of kernels before 3.5: text as it went to the console, in a ring whose length is a power of two.
 *
 * `log_end` counts all bytes ever written, so the ring has wrapped once it is larger than the buffer.
 * @source kernel/printk.c of Linux 2.6.32
 */
import { AnalyseError } from '../analyse-error.ts';
import { KernelArray, readU32, readU64 } from './kernel-memory.ts';
import { type LogSource, maxLogBytes, needSymbol } from './log-source.ts';

const pieceBytes = 4096;
/** Unreadable bytes after which the rest is not tried: no kernel had a log of that size. */
const mostLostBytes = 64 * 1024 * 1024;

/**
 * Appends the text, oldest first.
 * @throws AnalyseError `analyse/no-log`, `analyse/damaged`; and what the memory throws when the variables cannot be read.
 */
export function readPlainLog(source: LogSource): void {
  const { info, memory } = source;
  const bytes = readU32(memory, needSymbol(info, 'log_buf_len'));
  // An unsigned long before 2.6.25; its low half comes first and is enough for a ring of at most 2 GiB.
  const end = readU32(memory, needSymbol(info, 'log_end'));
  if (bytes === 0 || bytes > maxLogBytes) {
    throw new AnalyseError('analyse/damaged', `Cannot read the kernel log: log_buf_len is ${bytes}, expected 1 to 2 GiB`);
  }
  if (source.partial) source.warn('this kernel does not tell what was cleared: read all of the log');
  const buffer = new KernelArray(memory, readU64(memory, needSymbol(info, 'log_buf')), bytes);
  let lost = 0;
  if (end >= bytes) lost += copy(source, buffer, end % bytes, bytes);
  lost += copy(source, buffer, 0, end < bytes ? end : end % bytes);
  if (lost > 0) source.warn(`${lost} bytes of the log lie on pages that cannot be read`);
}

/** Appends `start … end`; returns the bytes that could not be read. */
function copy({ out }: LogSource, buffer: KernelArray, start: number, end: number): number {
  let lost = 0;
  for (let at = start; at < end && lost <= mostLostBytes; ) {
    const length = Math.min(pieceBytes - (at % pieceBytes), end - at);
    const found = buffer.locate(at, length);
    if (found < 0) lost += length;
    else out.addBytes(buffer.bytes.subarray(found, found + length));
    at += length;
  }
  return lost;
}
