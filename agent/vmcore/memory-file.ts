/**
 * A file that is read at random: a vmcore, a dump, a member of a zip archive.
 *
 * Everything is synchronous: a `/proc/vmcore` read is a memory copy, and an `await` a page costs more than the page.
 */
import type { FileOffset } from '../binary/units.ts';
import { KcaptureError } from '../errors.ts';

/**
 * A vmcore or dump that cannot be read. Codes: `vmcore/open`, `vmcore/short-read`, `vmcore/io`, `vmcore/not-elf`,
 * `vmcore/bad-header`, `vmcore/bad-notes`, `vmcore/unsupported`, `vmcore/bad-archive`, `vmcore/absent` (no such physical page), `vmcore/excluded` (a page the
 * dump left out).
 */
export class VmcoreError extends KcaptureError {}

/**
 * A movable view of a file. `bytes` is one array for the whole life of the window; its content changes when `locate` moves
 * the window, so whoever keeps data across two calls of `locate` copies it.
 */
export interface FileWindow {
  readonly bytes: Uint8Array;
  /**
   * Makes file bytes `offset … offset + length` present and returns the index in `bytes` at which they start. The window does not move
   * when it covers them already. Moving forward, it starts at (the page of) `offset`, so that sequential reading moves it rarely.
   *
   * @param length at most `capacityBytes`.
   * @throws VmcoreError `vmcore/short-read` when the range ends beyond the file, `vmcore/io` when the system refuses.
   */
  locate(offset: FileOffset, length: number): number;
  /** The longest `length` that `locate` takes, whatever the alignment of `offset`. */
  readonly capacityBytes: number;
  close(): void;
}

export interface MemoryFile {
  readonly path: string;
  readonly sizeBytes: number;
  /** How many bytes are really there, where the others read as zeros without being stored: what may decide an allocation. Default: all. */
  readonly heldBytes?: number;
  /**
   * Copies exactly `target.length` bytes from `offset`.
   * @throws VmcoreError `vmcore/short-read`, `vmcore/io`.
   */
  read(offset: FileOffset, target: Uint8Array): void;
  /**
   * A window of its own, independent of every other one on this file.
   *
   * @param buffer where a window that copies may put the bytes, `capacityBytes` long; one that maps does without.
   */
  openWindow(capacityBytes: number, buffer?: Uint8Array): FileWindow;
  close(): void;
}
