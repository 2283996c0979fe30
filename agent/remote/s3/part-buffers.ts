/** The memory that parts lie in from their first byte until the store has them: buffers of one size, each made when it is needed first. */
import { createHash, type Hash } from 'node:crypto';
import type { Payload } from './s3-access.ts';

export class PartBuffers {
  readonly #sizeBytes: number;
  #unmade: number;
  readonly #free: Uint8Array[] = [];
  #wake: (() => void) | undefined;

  constructor(sizeBytes: number, count: number) {
    this.#sizeBytes = sizeBytes;
    this.#unmade = count;
  }

  /** Waits until one is free. One caller at a time. */
  async take(): Promise<PartBuffer> {
    for (;;) {
      const bytes = this.#free.pop() ?? this.#make();
      if (bytes !== undefined) return new PartBuffer(bytes, () => this.#giveBack(bytes));
      await new Promise<void>((resolve) => {
        this.#wake = resolve;
      });
    }
  }

  #make(): Uint8Array | undefined {
    if (this.#unmade === 0) return undefined;
    this.#unmade--;
    return new Uint8Array(this.#sizeBytes);
  }

  #giveBack(bytes: Uint8Array): void {
    this.#free.push(bytes);
    this.#wake?.();
  }
}

/** A part while it fills, its checksum along with it. */
export class PartBuffer {
  readonly #bytes: Uint8Array;
  readonly #giveBack: () => void;
  readonly #sha256: Hash = createHash('sha256');
  #length = 0;

  constructor(bytes: Uint8Array, giveBack: () => void) {
    this.#bytes = bytes;
    this.#giveBack = giveBack;
  }

  get length(): number {
    return this.#length;
  }

  get isFull(): boolean {
    return this.#length === this.#bytes.length;
  }

  /** Takes as many bytes as there is room for. @returns how many. */
  add(bytes: Uint8Array): number {
    const taken = bytes.subarray(0, this.#bytes.length - this.#length);
    this.#bytes.set(taken, this.#length);
    this.#sha256.update(taken);
    this.#length += taken.length;
    return taken.length;
  }

  /** Nothing may be added any more. */
  seal(): Payload {
    return { bytes: this.#bytes.subarray(0, this.#length), sha256: this.#sha256.digest('hex') };
  }

  giveBack(): void {
    this.#giveBack();
  }
}
