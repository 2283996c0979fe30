/**
 * The log of the kernel we run on, as `dmesg` prints it. In the capture kernel it tells which drivers failed.
 *
 * @source Documentation/ABI/testing/dev-kmsg: one record a read, `level,sequence,microseconds,flags[,…];text`, then lines ` KEY=value`
 */
import { closeSync, constants, openSync, readSync } from 'node:fs';
import { decodeText } from '../binary/text.ts';
import { codeOf } from './errno.ts';

/** A smaller buffer is refused for a long record. @source kernel/printk/printk.c, CONSOLE_EXT_LOG_MAX / PRINTK_MESSAGE_MAX */
const recordBytes = 8192;
/** More than any log buffer holds: the log may grow while it is read. */
const mostRecords = 200_000;

/**
 * The newest records that fit into `maxBytes` characters, oldest first; `''` when the log may not be read. Never waits for new ones.
 * @param path `/dev/kmsg`, or a test's own.
 */
export function readKernelLog(maxBytes: number, path = '/dev/kmsg'): string {
  let fd: number;
  try {
    fd = openSync(path, constants.O_RDONLY | constants.O_NONBLOCK);
  } catch {
    return '';
  }
  try {
    return readRecords(fd, maxBytes);
  } finally {
    closeSync(fd);
  }
}

function readRecords(fd: number, maxBytes: number): string {
  const buffer = new Uint8Array(recordBytes);
  const lines: string[] = [];
  let length = 0;
  for (let record = 0; record < mostRecords; record++) {
    const count = readRecord(fd, buffer);
    if (count === 0) break;
    const line = formatRecord(decodeText(buffer.subarray(0, count)));
    lines.push(line);
    length += line.length;
    while (length > maxBytes && lines.length > 0) length -= (lines.shift() as string).length;
  }
  return lines.join('');
}

/** 0 at the end of the log. */
function readRecord(fd: number, buffer: Uint8Array): number {
  try {
    return readSync(fd, buffer, 0, buffer.length, null);
  } catch (cause) {
    // EPIPE: records were overwritten before they were read; the next read goes on behind them.
    if (codeOf(cause) !== 'EPIPE') return 0;
  }
  try {
    return readSync(fd, buffer, 0, buffer.length, null);
  } catch {
    return 0;
  }
}

/** `[    1.234567] text`. */
export function formatRecord(record: string): string {
  const [head, ...rest] = record.split(';');
  const text = rest.join(';').split('\n')[0];
  const microseconds = Number(head.split(',')[2]);
  if (!Number.isFinite(microseconds)) return `${record.trimEnd()}\n`;
  const seconds = Math.floor(microseconds / 1e6);
  const fraction = String(Math.floor(microseconds % 1e6)).padStart(6, '0');
  return `[${String(seconds).padStart(5)}.${fraction}] ${text}\n`;
}
