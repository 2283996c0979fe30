/**
 * Files on an NFS server whose bytes are with the server soon after they were written, not when the file ends.
 *
 * Otherwise the page cache takes them, with three consequences: it fills the capture kernel's memory, the progress shown is that of the cache, and a server
 * that has gone is only noticed by the last sync, which may take as long as the whole dump and looks like a standstill to whoever guards the run.
 */
import { MiB } from '../../binary/units.ts';
import { type Sink, SinkError } from '../../sink/sink.ts';
import { codeOf } from '../../sys/errno.ts';
import type { System } from '../../sys/system.ts';

/** At 1 MB a second, which is slow, a sync takes 8 s. */
const syncEveryBytes = 8 * MiB;

export function withSteadyWrites(system: System): System {
  return { ...system, createFile: (path, options) => new SteadySink(system.createFile(path, options)) };
}

class SteadySink implements Sink {
  readonly name: string;
  readonly seekable: boolean;
  readonly #sink: Sink;
  #unsyncedBytes = 0;

  constructor(sink: Sink) {
    this.#sink = sink;
    this.name = sink.name;
    this.seekable = sink.seekable;
  }

  write(offset: number, bytes: Uint8Array): void {
    this.#ask(() => this.#sink.write(offset, bytes));
    this.#unsyncedBytes += bytes.length;
    if (this.#unsyncedBytes < syncEveryBytes) return;
    this.sync();
  }

  sync(): void {
    this.#ask(() => this.#sink.sync());
    this.#unsyncedBytes = 0;
  }

  close(): void {
    this.#ask(() => this.#sink.close());
  }

  #ask(action: () => void): void {
    try {
      action();
    } catch (error) {
      if (!(error instanceof SinkError) || !isBrokenOff(error.cause)) throw error;
      throw new SinkError('sink/io', `Cannot write "${this.name}": the server did not answer and was given up`, {
        where: this.name,
        cause: error,
      });
    }
  }
}

/** What is broken off ends with an error number that the kernel means for itself, so that it has no name. @source linux/errno.h, ERESTARTSYS */
function isBrokenOff(cause: unknown): boolean {
  return codeOf(cause) === 'EUNKNOWN' || (cause as { errno?: number } | undefined)?.errno === -512;
}
