/** What the run asks of the network thread, and what it hears back. Plain data; the dump's own bytes travel in the slots of a `RemoteExchange`. */
import type { RemotePlace } from '../config/remote-place.ts';
import { KcaptureError } from '../errors.ts';
import { type RemoteContext, RemoteError, type RemoteLimits } from './remote-store.ts';

/** What the thread is started with. */
export type RemoteTask = {
  readonly kind: 'remote';
  readonly shared: SharedArrayBuffer;
  readonly place: RemotePlace;
  readonly addresses: readonly string[];
  /** Folder of the credentials: the thread reads them itself, so that they are in no message. `undefined`: none. */
  readonly credentials: string | undefined;
  readonly canRename: boolean;
  readonly capture: RemoteContext['capture'];
  readonly adopt: boolean;
  readonly limits: RemoteLimits;
};

export function isRemoteTask(task: unknown): task is RemoteTask {
  return typeof task === 'object' && task !== null && 'kind' in task && task.kind === 'remote';
}

/** Calls that are answered. `open` comes first and once. */
export type RemoteCall =
  | { readonly call: 'open' }
  | { readonly call: 'freeBytes' }
  | { readonly call: 'save'; readonly name: string; readonly content: Uint8Array }
  | { readonly call: 'remove'; readonly name: string }
  | { readonly call: 'create'; readonly name: string }
  | { readonly call: 'list' }
  | { readonly call: 'sha256'; readonly name: string }
  | { readonly call: 'captures' }
  /** Of the file begun last: all that was sent is with the server. */
  | { readonly call: 'sync' }
  | { readonly call: 'finish'; readonly complete: boolean }
  | { readonly call: 'discard' }
  | { readonly call: 'close' };

export type RemoteRequest =
  | (RemoteCall & { readonly id: number })
  /** Of the file begun last; not answered. A failure is told by itself. */
  | { readonly call: 'write'; readonly slot: number; readonly offset: number; readonly length: number };

/** Of `open`. */
export type RemoteOpened = { readonly where: string; readonly seekable: boolean };

/** An error that crosses from thread to thread. */
export type PackedError = { readonly code: string; readonly message: string; readonly where?: string; readonly hint?: string };

export type RemoteAnswer =
  | { readonly kind: 'answer'; readonly id: number; readonly value: unknown }
  | { readonly kind: 'error'; readonly id: number; readonly error: PackedError }
  /** A write came to grief; those behind it are not tried. */
  | { readonly kind: 'failed'; readonly error: PackedError }
  | { readonly kind: 'note'; readonly sentence: string };

/** What was never meant to happen becomes `remote/internal`. */
export function packError(error: unknown): PackedError {
  if (error instanceof KcaptureError) return { code: error.code, message: error.message, where: error.where, hint: error.hint };
  const text = error instanceof Error ? (error.stack ?? error.message) : String(error);
  return { code: 'remote/internal', message: `Internal error on the network thread: ${text.split('\n').slice(0, 3).join(' ')}` };
}

export function unpackError({ code, message, where, hint }: PackedError): RemoteError {
  return new RemoteError(code, message, { where, hint });
}
