/**
 * A capture's place on a server, as the run fills it: the same files as in a folder. Where nothing can be written twice the memory goes flattened, as `vmcore.flat`.
 *
 * Comes in: where, with which credentials, which capture. Goes out: a `DumpStore`. Whatever the server does becomes an error that costs this target and no other.
 */
import { encodeText } from '../../binary/text.ts';
import { RemoteError, type RemoteEntry } from '../../remote/remote-store.ts';
import { tidyEvery } from '../../remote/remote-exchange.ts';
import type { RemoteOpened, RemoteTask } from '../../remote/remote-messages.ts';
import type { System } from '../../sys/system.ts';
import { type DumpFile, dumpFiles, flattenedMemory, parseDumpName, unfinished } from '../dump-name.ts';
import type { DumpStore, StoredFile, Transfer } from '../dump-store.ts';
import { RemoteClient } from './remote-client.ts';
import { asSinkError, asTargetError } from './remote-failure.ts';
import { RemoteSink } from './remote-sink.ts';

export type RemoteStoreRequest = Omit<RemoteTask, 'kind' | 'shared'> & {
  /** The place, for messages until the server has been reached. */
  readonly wish: string;
  /** While a call waits, some times a second. May throw to end the wait. */
  readonly onWait: (phase: WaitPhase) => void;
  /** A sentence about what the connection does. */
  readonly onNote: (sentence: string) => void;
};

/** `memory`: the dump itself waits; `naming`: all of it is sent, and gets its name. */
export type WaitPhase = 'memory' | 'naming' | 'other';

/** For all that is done when somebody does not want to wait any longer. */
const farewellMs = 10_000;
/** For what is left to do on a server that has failed. */
const patienceAfterFailureMs = 20_000;
const mostNotes = 50;

/** @throws TargetError `target/remote`. Nothing stays open then. */
export function openRemoteDumpStore(system: System, request: RemoteStoreRequest): DumpStore {
  return new RemoteDumpStore(system, request);
}

class RemoteDumpStore implements DumpStore {
  readonly where: string;
  readonly folder = undefined;
  readonly memory: DumpStore['memory'];
  readonly #system: System;
  readonly #request: RemoteStoreRequest;
  readonly #client: RemoteClient;
  readonly #seekable: boolean;
  /** Files that the server has taken, by name. */
  readonly #sizes = new Map<string, number>();
  readonly #notes: string[] = [];
  readonly #transfer = { sentBytes: 0, attempts: 0, elapsedMs: 0, beganAt: 0 };
  readonly expectIncomplete?: () => void;
  /** Of the memory file: `begun` has neither of its names yet. */
  #state: 'none' | 'begun' | 'naming' | 'named' = 'none';
  /** It was begun under the name that says incomplete, and keeps it. */
  #isExpectedIncomplete = false;
  #endBytes = 0;
  #untidyBytes = 0;

  constructor(system: System, request: RemoteStoreRequest) {
    const { wish, onWait, onNote, ...task } = request;
    this.#system = system;
    this.#request = request;
    this.#client = new RemoteClient(system, task, wish, {
      onWait: () => onWait(phases[this.#state]),
      onNote: (sentence) => {
        if (this.#notes.length < mostNotes) this.#notes.push(sentence);
        onNote(sentence);
      },
    });
    try {
      const { where, seekable } = this.#client.call({ call: 'open' }) as RemoteOpened;
      this.where = where;
      this.#seekable = seekable;
    } catch (error) {
      this.#client.end();
      throw asTargetError(error, wish);
    }
    const path = `${this.where}/${this.#memoryName}`;
    this.memory = { path, system: this.#dumpSystem(path), flattened: !this.#seekable };
    if (task.place.kind === 'http' && !task.canRename) {
      this.expectIncomplete = () => {
        this.#isExpectedIncomplete = true;
      };
    }
  }

  /** Infinite when the server does not tell: then it is full when it says so. */
  freeBytes(): number {
    return this.#try(() => this.#client.call({ call: 'freeBytes' }) as number | undefined, undefined) ?? Number.POSITIVE_INFINITY;
  }

  save(name: DumpFile, content: string | Uint8Array): void {
    const bytes = typeof content === 'string' ? encodeText(content) : content;
    this.#call(() => this.#client.call({ call: 'save', name, content: bytes }));
    this.#sizes.set(name, bytes.length);
    if (name === dumpFiles.log) this.#call(() => this.#client.call({ call: 'remove', name: name + unfinished }));
  }

  /** Never throws: a memory file that could not even get the name that says incomplete is told in the notes. */
  finishMemory(complete: boolean): void {
    if (this.#state !== 'begun') return;
    this.#state = 'none';
    if (!complete) this.#client.limitPatience(patienceAfterFailureMs);
    const isEnded = this.#try(() => {
      this.#client.call({ call: 'finish', complete: complete || this.#isExpectedIncomplete });
      this.#noteMemory(complete);
      return true;
    }, false);
    if (!isEnded && this.#isExpectedIncomplete) this.#discardMemory();
    this.#noteElapsed();
  }

  giveUp(): void {
    this.#client.limitTime(farewellMs);
    this.#request.onNote('broken off; what was sent of the memory is removed from the server (once more ends at once)');
    if (this.#state === 'begun') this.#discardMemory();
  }

  storedFiles(): readonly StoredFile[] {
    const known = [...this.#sizes].map(([name, sizeBytes]) => ({ name, sizeBytes }));
    const listed = this.#try(() => this.#client.call({ call: 'list' }) as readonly RemoteEntry[], known);
    const names = [dumpFiles.dmesg, this.#memoryName].flatMap((name) => [name, name + unfinished]);
    return names.flatMap((name) => listed.filter((entry) => entry.name === name).map((entry) => this.#judge(entry)));
  }

  /** What lies there has to be as long as what was sent. */
  #judge({ name, sizeBytes }: RemoteEntry): StoredFile {
    const sent = this.#sizes.get(name);
    const isWhole = sent === undefined || sent === sizeBytes;
    if (!isWhole) this.#note(`the server holds ${sizeBytes} bytes of ${name}, and ${sent} were sent`);
    return { name, sizeBytes, complete: isWhole && !name.endsWith(unfinished) };
  }

  sha256(name: string, onBytes: (doneBytes: number) => void): string | undefined {
    onBytes(0);
    return this.#call(() => this.#client.call({ call: 'sha256', name }) as string | undefined);
  }

  countRecent(timeMs: number, windowMs: number): number {
    const host = parseDumpName(this.#request.capture.name)?.host;
    const names = this.#try(() => this.#client.call({ call: 'captures' }) as readonly string[], []);
    const recent = names.map(parseDumpName).filter((name) => name?.host === host && Math.abs((name?.timeMs ?? 0) - timeMs) <= windowMs);
    return recent.length;
  }

  /** A server's room is not ours to hold. */
  reserve(): void {}

  /** Not where it could not be taken away again: a server that cannot rename may not remove either. */
  keepLog(text: string): void {
    const { place, canRename } = this.#request;
    if (place.kind === 'http' && !canRename) return;
    this.#call(() => this.#client.call({ call: 'save', name: dumpFiles.log + unfinished, content: encodeText(text) }));
  }

  transfer(): Transfer {
    const { sentBytes, attempts, elapsedMs } = this.#transfer;
    const bytesPerSecond = elapsedMs > 0 ? Math.round((sentBytes * 1000) / elapsedMs) : 0;
    const numbers = { sentBytes, elapsedMs: Math.round(elapsedMs), bytesPerSecond, attempts };
    return { url: this.where, wayBack: this.#seekable ? undefined : wayBack, ...numbers, notes: [...this.#notes] };
  }

  /** A farewell, if there is time for it. */
  close(): void {
    this.#state = 'none';
    this.#client.limitPatience(patienceAfterFailureMs);
    try {
      this.#try(() => this.#client.call({ call: 'close' }), undefined);
    } finally {
      this.#client.end();
    }
  }

  get #memoryName(): string {
    return this.#seekable ? dumpFiles.memory : flattenedMemory;
  }

  /** What the protocol knows it by. */
  get #sentName(): string {
    return this.#isExpectedIncomplete ? this.#memoryName + unfinished : this.#memoryName;
  }

  /** `dump()` and its like write a file: here it is one on the server, anew for each attempt. */
  #dumpSystem(path: string): System {
    const system = this.#system;
    const isOurs = (other: string) => other === path || other === path + unfinished;
    return {
      ...system,
      createFile: (name, options) => (isOurs(name) ? this.#createMemory() : system.createFile(name, options)),
      exists: (name) => !isOurs(name) && system.exists(name),
      sameFile: (a, b) => !isOurs(a) && !isOurs(b) && system.sameFile(a, b),
      isBlockDevice: (name) => !isOurs(name) && system.isBlockDevice(name),
      rename: (from, to) => (isOurs(from) ? this.#nameMemory() : system.rename(from, to)),
      remove: (name) => (isOurs(name) ? this.#discardMemory() : system.remove(name)),
    };
  }

  #createMemory(): RemoteSink {
    const name = this.memory.path;
    this.#transfer.attempts++;
    this.#transfer.sentBytes = 0;
    this.#transfer.beganAt = this.#system.now();
    this.#state = 'begun';
    this.#endBytes = 0;
    this.#callSink(() => this.#client.create(this.#sentName));
    const onSent = (offset: number, bytes: number) => {
      this.#transfer.sentBytes += bytes;
      this.#endBytes = Math.max(this.#endBytes, offset + bytes);
      this.#tidy(bytes);
    };
    return new RemoteSink(this.#client, { name, seekable: this.#seekable, onSent });
  }

  #tidy(bytes: number): void {
    this.#untidyBytes += bytes;
    if (this.#untidyBytes < tidyEvery.run) return;
    this.#untidyBytes = 0;
    this.#system.freeMemory();
  }

  #nameMemory(): void {
    this.#state = 'naming';
    try {
      this.#callSink(() => this.#client.call({ call: 'finish', complete: true }));
    } catch (error) {
      this.#state = 'begun';
      throw error;
    }
    this.#state = 'named';
    this.#noteMemory(true);
    this.#noteElapsed();
  }

  /** What stays of it goes when the next attempt begins. */
  #discardMemory(): void {
    this.#state = 'none';
    this.#try(() => this.#client.call({ call: 'discard' }), undefined);
  }

  #noteMemory(complete: boolean): void {
    this.#sizes.delete(this.#memoryName);
    if (complete || this.#isExpectedIncomplete) this.#sizes.set(this.#sentName, this.#endBytes);
  }

  #noteElapsed(): void {
    this.#transfer.elapsedMs = this.#system.now() - this.#transfer.beganAt;
  }

  #callSink<T>(action: () => T): T {
    try {
      return action();
    } catch (error) {
      throw asSinkError(error, { name: this.memory.path, seekable: this.#seekable });
    }
  }

  #call<T>(action: () => T): T {
    try {
      return action();
    } catch (error) {
      throw asTargetError(error, this.where);
    }
  }

  /** What the server need not be able to do: it is noted, and the run goes on. */
  #try<T>(action: () => T, otherwise: T): T {
    try {
      return action();
    } catch (error) {
      if (!(error instanceof RemoteError)) throw error;
      this.#note(error.message);
      return otherwise;
    }
  }

  #note(sentence: string): void {
    if (this.#notes.length < mostNotes) this.#notes.push(sentence);
    this.#request.onNote(sentence);
  }
}

const phases = { none: 'other', begun: 'memory', naming: 'naming', named: 'other' } as const;
const wayBack = `kcapture rearrange ${flattenedMemory} ${dumpFiles.memory}, or: makedumpfile -R ${dumpFiles.memory} < ${flattenedMemory}`;
