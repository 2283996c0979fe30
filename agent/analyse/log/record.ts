/**
 * The record buffer of kernels 3.5 to 5.9: records of varying length, one behind the other; one of length 0 says that the next is at
 * the start of the buffer.
 *
 * ```
 *  log_buf ──> | … | record | record | record | len 0 |
 *                      ^ log_first_idx          ^ and on from offset 0 to log_next_idx
 *  record: struct printk_log (before 3.11: struct log) {ts_nsec u64, len u16, text_len u16, dict_len u16, …, caller_id u32}, text, dictionary
 * ```
 * @source kernel/printk/printk.c; Linux kernel commit 7ff9554bb578 ("printk: convert byte-buffer to variable-length record buffer") (in
 * v3.5), 62e32ac3505a ("printk: rename struct log to struct printk_log") (in v3.11)
 */
import { AnalyseError } from '../analyse-error.ts';
import { formatRecord } from './format.ts';
import { KernelArray, readU32, readU64 } from './kernel-memory.ts';
import { type LogSource, maxLogBytes, needMember, needSize, needSymbol } from './log-source.ts';

type Layout = {
  readonly headBytes: number;
  readonly timeNs: number;
  readonly length: number;
  readonly textLength: number;
  readonly callerId: number | undefined;
};

/**
 * Appends every record, oldest first.
 * @throws AnalyseError `analyse/no-log`, `analyse/damaged`; and what the memory throws when the indexes cannot be read.
 */
export function readRecordLog(source: LogSource): void {
  const { info, memory } = source;
  const layout = readLayout(source);
  const first = readU32(memory, firstIndexSymbol(source));
  const next = readU32(memory, needSymbol(info, 'log_next_idx'));
  const bytes = readU32(memory, needSymbol(info, 'log_buf_len'));
  if (bytes < layout.headBytes || bytes > maxLogBytes || first > bytes || next > bytes) {
    const found = `first record at ${first}, end at ${next}, length ${bytes}`;
    throw new AnalyseError('analyse/damaged', `Cannot read the kernel log: ${found}, expected both inside a buffer of at most 2 GiB`);
  }
  walk(source, layout, new KernelArray(memory, readU64(memory, needSymbol(info, 'log_buf')), bytes), first, next);
}

/** The walk goes forward only and starts over at most once, so no chain of lengths keeps it going round. */
function walk(source: LogSource, layout: Layout, buffer: KernelArray, first: number, next: number): void {
  let position = first;
  let wrapped = first <= next;
  while (position !== next) {
    if (wrapped && position > next) return source.warn(`a record ends beyond the end of the log, at ${position} instead of ${next}`);
    const at = buffer.locate(position, layout.headBytes);
    const length = at < 0 ? 0 : buffer.view.getUint16(at + layout.length, true);
    if (length === 0 && !wrapped) {
      wrapped = true;
      if (at < 0) source.warn(`the log cannot be read from ${position} on: went on at its start`);
      position = 0;
      continue;
    }
    if (length < layout.headBytes)
      return source.warn(`the record at ${position} ${at < 0 ? 'cannot be read' : `says it is ${length} bytes long`}`);
    printRecord(source, layout, buffer, position, length);
    position += length;
  }
}

function printRecord(source: LogSource, layout: Layout, buffer: KernelArray, position: number, length: number): void {
  const at = buffer.locate(position, length);
  if (at < 0) return source.warn(`the record at ${position} cannot be read`);
  const textLength = buffer.view.getUint16(at + layout.textLength, true);
  const text = at + layout.headBytes;
  if (layout.headBytes + textLength > length) source.warn(`the text of the record at ${position} is longer than the record`);
  const head = {
    timeNs: buffer.view.getBigUint64(at + layout.timeNs, true),
    callerId: layout.callerId === undefined ? undefined : buffer.view.getUint32(at + layout.callerId, true),
  };
  formatRecord(source.out, head, buffer.bytes.subarray(text, Math.min(text + textLength, at + length)), source.signedChars);
}

function readLayout({ info, callers }: LogSource): Layout {
  const name = info.size('printk_log') === undefined ? 'log' : 'printk_log';
  const headBytes = needSize(info, name);
  const callerId = `${name}.caller_id`;
  return {
    headBytes,
    timeNs: needMember(info, `${name}.ts_nsec`, 8, headBytes),
    length: needMember(info, `${name}.len`, 2, headBytes),
    textLength: needMember(info, `${name}.text_len`, 2, headBytes),
    callerId: !callers || info.offset(callerId) === undefined ? undefined : needMember(info, callerId, 4, headBytes),
  };
}

function firstIndexSymbol({ info, partial, warn }: LogSource): bigint {
  const cleared = partial ? info.symbol('clear_idx') : undefined;
  if (partial && cleared === undefined) warn('VMCOREINFO does not tell what was cleared: read all of the log');
  return cleared ?? needSymbol(info, 'log_first_idx');
}
