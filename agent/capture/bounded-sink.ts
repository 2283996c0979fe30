/** A system whose files leave some of the target free: a dump that would take the rest finds the disk full, and ends as it does on a full disk. */
import { formatBytes, MiB } from '../binary/units.ts';
import { type Sink, SinkError } from '../sink/sink.ts';
import type { System } from '../sys/system.ts';

export type Bounds = {
  /** To stay free. */
  readonly minFreeBytes: number;
  /** Room on the target now; asked rarely. */
  readonly freeBytes: () => number;
  /** Called with every write and sync; may throw. */
  readonly onWrite: () => void;
};

/** Bytes between two looks at the free space, fewer when it is near its end. */
const lookEveryBytes = 16 * MiB;

export function withBounds(system: System, bounds: Bounds): System {
  return { ...system, createFile: (path, options) => new BoundedSink(system.createFile(path, options), bounds) };
}

class BoundedSink implements Sink {
  readonly #sink: Sink;
  readonly #bounds: Bounds;
  #endBytes = 0;
  /** Bytes that may be added before the next look. */
  #budget = 0;

  constructor(sink: Sink, bounds: Bounds) {
    this.#sink = sink;
    this.#bounds = bounds;
  }

  get name(): string {
    return this.#sink.name;
  }

  get seekable(): boolean {
    return this.#sink.seekable;
  }

  get rewritable(): boolean | undefined {
    return this.#sink.rewritable;
  }

  get keepsOldBytes(): boolean | undefined {
    return this.#sink.keepsOldBytes;
  }

  write(offset: number, bytes: Uint8Array): void {
    this.#bounds.onWrite();
    // What lies before the end is there already: headers written again take no room.
    const growth = Math.min(bytes.length, Math.max(0, offset + bytes.length - this.#endBytes));
    if (growth > this.#budget && this.#bounds.minFreeBytes > 0) this.#look(growth);
    this.#sink.write(offset, bytes);
    this.#budget -= growth;
    this.#endBytes = Math.max(this.#endBytes, offset + bytes.length);
  }

  sync(): void {
    this.#bounds.onWrite();
    this.#sink.sync();
  }

  close(): void {
    this.#sink.close();
  }

  #look(growth: number): void {
    const room = this.#bounds.freeBytes() - this.#bounds.minFreeBytes;
    if (room < growth) {
      const asked = `${formatBytes(this.#bounds.minFreeBytes)} have to stay free`;
      throw new SinkError('sink/no-space', `Cannot write "${this.name}": no space is left, ${asked}`, { where: this.name });
    }
    this.#budget = Math.max(growth, Math.min(room, lookEveryBytes));
  }
}
