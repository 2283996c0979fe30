/** What a failed write means for the dump: the target is full, or something else is wrong. */
import type { FileOffset } from '../binary/units.ts';
import { hex } from '../binary/units.ts';
import { SinkError } from '../sink/sink.ts';
import { codeOf, reasonOf } from './errno.ts';

const fullCodes: ReadonlySet<string> = new Set(['ENOSPC', 'EDQUOT', 'EFBIG']);

/** The SinkError for a failed write, sync or close: `sink/no-space` when the target can hold no more, else `sink/io`. */
export function writeError(name: string, offset: FileOffset | undefined, cause: unknown): SinkError {
  if (cause instanceof SinkError) return cause;
  const where = offset === undefined ? `"${name}"` : `"${name}" at ${hex(offset)}`;
  const code = codeOf(cause);
  if (!fullCodes.has(code)) return new SinkError('sink/io', `Cannot write ${where}: ${reasonOf(cause)}`, { where, cause });
  const why = code === 'EDQUOT' ? 'the quota is used up' : code === 'EFBIG' ? 'the file system takes no larger file' : 'no space is left';
  return new SinkError('sink/no-space', `Cannot write ${where}: ${why}`, { where, cause });
}
