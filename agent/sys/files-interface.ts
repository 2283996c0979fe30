/** Files and folders of the machine: what the rooms that arm it and that save to it may do with them. Every path is absolute. */
import type { KcaptureError } from '../errors.ts';

export type FileKind = 'file' | 'folder' | 'link' | 'block' | 'character' | 'other';

export type FileStatus = {
  readonly kind: FileKind;
  readonly sizeBytes: number;
  /** Permission bits, e.g. 0o600. */
  readonly mode: number;
  readonly uid: number;
  readonly modifiedMs: number;
  /** Device that holds the file, `major:minor`, as in `/sys/dev/block`. */
  readonly device: string;
  /** For a block or character device: its own number, `major:minor`. */
  readonly ownDevice: string;
};

/** @source statfs(2) */
export type Space = { readonly totalBytes: number; readonly freeBytes: number };

/**
 * Errors are `FilesError` with `files/missing`, `files/permission`, `files/no-space`, `files/read-only`, `files/exists` or `files/io`; the message
 * names the path. Functions that answer `undefined` for what is absent say so.
 */
export interface Files {
  /** Follows links. `undefined`: there is nothing. */
  status(path: string): FileStatus | undefined;
  /** Does not follow a link. */
  linkStatus(path: string): FileStatus | undefined;
  /** Where a link points, as written; `undefined` when it is no link. */
  readLink(path: string): string | undefined;
  /** Absolute path with every link resolved; `undefined` when there is nothing. */
  realPath(path: string): string | undefined;
  /** Names in a folder, sorted; empty when there is none. */
  list(path: string): readonly string[];
  readBytes(path: string): Uint8Array;
  /** At most `maxBytes` (default 16 MiB) of UTF-8; `undefined` when the file is missing or may not be read. */
  readTextIfThere(path: string, maxBytes?: number): string | undefined;
  /** Up to `length` bytes from `offset`; shorter at the end. Works on block devices. */
  readAt(path: string, offset: number, length: number): Uint8Array;
  /** With parents; mode 0755 unless told. Nothing happens when it is there. */
  makeFolder(path: string, mode?: number): void;
  /** Durable and whole or not at all: a new file beside it, fsync, rename. Mode 0644 unless told. */
  write(path: string, content: string | Uint8Array, mode?: number): void;
  /** Writes to what is there already (`/proc`, `/sys`, `/dev/kmsg`, device nodes), never creating it. One write(2). */
  writeExisting(path: string, content: string | Uint8Array): void;
  /** Adds to the end, creating with mode 0600. */
  append(path: string, content: string | Uint8Array): void;
  copy(from: string, to: string, mode?: number): void;
  link(target: string, path: string): void;
  setMode(path: string, mode: number): void;
  /** A file, a link or an empty folder; nothing happens when there is none. */
  remove(path: string): void;
  /** A folder and all in it. Does not follow links and does not leave the file system it began on. */
  removeTree(path: string): void;
  /** A new empty folder for working in, below `/var/tmp`, `/tmp` or `/run`. */
  makeWorkFolder(): string;
  /** fsync of a file or folder. */
  sync(path: string): void;
  /** Space for the superuser. */
  space(path: string): Space;
  /** SHA-256 of a file, lower-case hexadecimal, read in pieces that leave the page cache again. */
  sha256(path: string, onBytes?: (doneBytes: number) => void): string;
}

export type FilesErrorCode = `files/${'missing' | 'permission' | 'no-space' | 'read-only' | 'exists' | 'io'}`;
export type FilesFailure = KcaptureError & { readonly code: FilesErrorCode };
