/**
 * The memory that parts lie in from their first byte until the store has them: one block, cut into buffers of equal size.
 *
 * It is cut anew when parts grow, which waits until all buffers are back: so the block is all that is ever used.
 */
import { createHash, type Hash } from 'node:crypto';
import type { Payload } from './s3-access.ts';

export class PartBuffers {
  readonly #block: Uint8Array;
  #sizeBytes = 0;
  #free: Uint8Array[] = [];
  #taken = 0;
  #wake: (() => void) | undefined;

  constructor(totalBytes: number) {
    this.#block = new Uint8Array(totalBytes);
  }

  /** Waits until one is free. One caller at a time. @param sizeBytes at most the block. */
  async take(sizeBytes: number): Promise<PartBuffer> {
    while (sizeBytes === this.#sizeBytes ? this.#free.length === 0 : this.#taken > 0) {
      await new Promise<void>((resolve) => {
        this.#wake = resolve;
      });
    }
    if (sizeBytes !== this.#sizeBytes) this.#cut(sizeBytes);
    const bytes = this.#free.pop();
    if (bytes === undefined) throw new RangeError(`Cannot cut buffers of ${sizeBytes} bytes from ${this.#block.length}`);
    this.#taken++;
    return new PartBuffer(bytes, () => {
      this.#taken--;
      this.#free.push(bytes);
      this.#wake?.();
    });
  }

  #cut(sizeBytes: number): void {
    const count = Math.floor(this.#block.length / sizeBytes);
    this.#free = Array.from({ length: count }, (_, index) => this.#block.subarray(index * sizeBytes, (index + 1) * sizeBytes));
    this.#sizeBytes = sizeBytes;
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
