/** What a failure on a server means to the run: nothing but a target, or a file on it, that cannot be used. */
import { RemoteError } from '../../remote/remote-store.ts';
import { SinkError } from '../../sink/sink.ts';
import { TargetError } from '../target-error.ts';

/** The server may be as good as before, only this stream is gone. */
const broken: ReadonlySet<string> = new Set(['remote/broken', 'remote/stalled', 'remote/server', 'remote/unreachable']);
const full: ReadonlySet<string> = new Set(['remote/no-space', 'remote/too-large']);

/**
 * Of a memory file: `sink/no-space`; `sink/broken` when a stream cannot go on and may be begun anew; else `sink/io`. What is no RemoteError stays as it is.
 */
export function asSinkError(cause: unknown, { name, seekable }: { readonly name: string; readonly seekable: boolean }): unknown {
  if (!(cause instanceof RemoteError)) return cause;
  const { message, hint } = cause;
  const code = full.has(cause.code) ? 'sink/no-space' : !seekable && broken.has(cause.code) ? 'sink/broken' : 'sink/io';
  return new SinkError(code, message, { where: name, hint, cause });
}

/** `target/remote`. What is no RemoteError stays as it is. */
export function asTargetError(cause: unknown, where: string): unknown {
  if (!(cause instanceof RemoteError)) return cause;
  return new TargetError('target/remote', cause.message, { where, hint: cause.hint, cause });
}
