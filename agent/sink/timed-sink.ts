/** A sink that tells how long each write took. */
import type { Sink } from './sink.ts';

export class TimedSink implements Sink {
  readonly #sink: Sink;
  readonly #now: () => number;
  readonly #onWaited: (ms: number) => void;

  constructor(sink: Sink, now: () => number, onWaited: (ms: number) => void) {
    this.#sink = sink;
    this.#now = now;
    this.#onWaited = onWaited;
  }

  get name() {
    return this.#sink.name;
  }

  get seekable() {
    return this.#sink.seekable;
  }

  get rewritable() {
    return this.#sink.rewritable;
  }

  get keepsOldBytes() {
    return this.#sink.keepsOldBytes;
  }

  write(offset: number, bytes: Uint8Array): void {
    const begun = this.#now();
    this.#sink.write(offset, bytes);
    this.#onWaited(this.#now() - begun);
  }

  sync(): void {
    this.#sink.sync();
  }

  close(): void {
    this.#sink.close();
  }
}
