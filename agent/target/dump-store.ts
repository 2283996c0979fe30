/**
 * One capture's place on a target: a folder of its own, a raw device, a place on a server. The run that fills it need not know which.
 *
 * What `save` and `finishMemory` return from is on the disk or with the server, under its final name.
 */
import type { System } from '../sys/system.ts';
import type { DumpFile } from './dump-name.ts';

export type StoredFile = { readonly name: string; readonly sizeBytes: number; readonly complete: boolean };

/** Durations in milliseconds. */
export type Transfer = {
  /** Without secrets. */
  readonly url: string;
  /** How an ordinary dump is made of what lies there; `undefined`: it is one. */
  readonly wayBack: string | undefined;
  /** Of the last attempt, like `elapsedMs`, which lasts from its first byte until the file had its name. */
  readonly sentBytes: number;
  readonly elapsedMs: number;
  readonly bytesPerSecond: number;
  /** How often the memory was begun. */
  readonly attempts: number;
  /** What the connection went through, a sentence each. */
  readonly notes: readonly string[];
};

export interface DumpStore {
  /** For people: the folder, the device, the URL. */
  readonly where: string;
  /** Where hooks and programs find the files; `undefined` on a raw device and on a server. */
  readonly folder: string | undefined;
  /** Room for the memory, in bytes; infinite when nobody can tell. */
  freeBytes(): number;
  /**
   * Where `dump()` and its like write the memory, and the system they have to use for it. They keep the name that says incomplete until they have
   * finished. `flattened`: it takes a stream and nothing else.
   */
  readonly memory: { readonly path: string; readonly system: System; readonly flattened: boolean };
  /** Durable, then under its own name. @throws SinkError, FilesError */
  save(name: DumpFile, content: string | Uint8Array): void;
  /**
   * There on a server that has to know the name before the first byte: what is begun after this call stands there as incomplete, whatever becomes of it. Without it
   * nothing is left of memory that is not whole.
   */
  readonly expectIncomplete?: () => void;
  /** Nothing more is sent, and of memory under way nothing stays, as far as that is done within a few seconds; for somebody who does not want to wait. */
  giveUp?(): void;
  /** Called when the memory is written, or as much of it as could be. */
  finishMemory(complete: boolean): void;
  /** What lies there by now of log and memory. */
  storedFiles(): readonly StoredFile[];
  /** SHA-256 of a file as the disk gives it back, lower-case hexadecimal; `undefined`: a server cannot tell. `onBytes` may throw to end it. */
  sha256(name: string, onBytes: (doneBytes: number) => void): string | undefined;
  /** Earlier captures of this host that began less than `windowMs` before or after `timeMs`, this one not counted. */
  countRecent(timeMs: number, windowMs: number): number;
  /** Takes room for a manifest now, so that memory that fills the target leaves it. */
  reserve(): void;
  /** The run's own log so far, under the name that says incomplete. */
  keepLog(text: string): void;
  /** How the memory was sent, on a server. */
  transfer?(): Transfer;
  close(): void;
}
