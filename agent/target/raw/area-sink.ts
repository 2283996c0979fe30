/** A part of a device as a sink of its own: it starts at 0, ends where the part ends, and knows how far it was written. */
import { hex, MiB } from '../../binary/units.ts';
import { type Sink, SinkError } from '../../sink/sink.ts';
import type { Area } from './layout.ts';

/** Bytes between two notes in the header of how far the dump has come. */
const noteEveryBytes = 256 * MiB;

export class AreaSink implements Sink {
  readonly name: string;
  readonly seekable = true;
  readonly keepsOldBytes = true;
  /** The end of the farthest write. */
  endBytes = 0;
  readonly #device: Sink;
  readonly #area: Area;
  readonly #onGrowth: (endBytes: number) => void;
  #notedBytes = 0;

  /**
   * @param device stays open when this is closed.
   * @param onGrowth called after a sync of the device, now and then.
   */
  constructor(device: Sink, area: Area, onGrowth: (endBytes: number) => void = () => {}) {
    this.name = device.name;
    this.#device = device;
    this.#area = area;
    this.#onGrowth = onGrowth;
  }

  write(offset: number, bytes: Uint8Array): void {
    if (offset + bytes.length > this.#area.bytes) {
      const where = `"${this.name}" at ${hex(this.#area.offset + offset)}`;
      throw new SinkError('sink/no-space', `Cannot write ${where}: no space is left`, { where });
    }
    this.#device.write(this.#area.offset + offset, bytes);
    this.endBytes = Math.max(this.endBytes, offset + bytes.length);
    if (this.endBytes - this.#notedBytes < noteEveryBytes) return;
    this.#notedBytes = this.endBytes;
    this.#device.sync();
    this.#onGrowth(this.endBytes);
  }

  sync(): void {
    this.#device.sync();
  }

  close(): void {}
}
