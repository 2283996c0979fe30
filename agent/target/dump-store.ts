/**
 * One capture's place on a target: a folder of its own, or a raw device. The run that fills it need not know which.
 *
 * What `save` and `finishMemory` return from is on the disk, under its final name.
 */
import type { System } from '../sys/system.ts';
import type { DumpFile } from './dump-name.ts';

export type StoredFile = { readonly name: string; readonly sizeBytes: number; readonly complete: boolean };

export interface DumpStore {
  /** For people: the folder or the device. */
  readonly where: string;
  /** Where hooks and programs find the files; `undefined` on a raw device. */
  readonly folder: string | undefined;
  /** Room for the memory, in bytes. */
  freeBytes(): number;
  /**
   * Where `dump()` and its like write the memory, and the system they have to use for it. They keep the name that says incomplete until they have
   * finished.
   */
  readonly memory: { readonly path: string; readonly system: System };
  /** Durable, then under its own name. @throws SinkError, FilesError */
  save(name: DumpFile, content: string | Uint8Array): void;
  /** Called when the memory is written, or as much of it as could be. */
  finishMemory(complete: boolean): void;
  /** What lies there by now of log and memory. */
  storedFiles(): readonly StoredFile[];
  /** SHA-256 of a file as the disk gives it back, lower-case hexadecimal. `onBytes` may throw to end it. */
  sha256(name: string, onBytes: (doneBytes: number) => void): string;
  /** Earlier captures of this host that began less than `windowMs` before or after `timeMs`, this one not counted. */
  countRecent(timeMs: number, windowMs: number): number;
  /** Takes room for a manifest now, so that memory that fills the target leaves it. */
  reserve(): void;
  /** The run's own log so far, under the name that says incomplete. */
  keepLog(text: string): void;
  close(): void;
}
