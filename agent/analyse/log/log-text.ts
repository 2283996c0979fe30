/**
 * The text of the log as it grows: chunks instead of one array that is copied again and again, and an upper limit that drops the
 * oldest text first, because the newest tells of the crash.
 */
const chunkBytes = 64 * 1024;

export class LogText {
  readonly #maxBytes: number;
  readonly #full: Uint8Array<ArrayBuffer>[] = [];
  #chunk = new Uint8Array(chunkBytes);
  #used = 0;
  #droppedBytes = 0;

  /** @param maxBytes the longest text that is kept; at least the last 64 KiB less than that are. */
  constructor(maxBytes: number) {
    this.#maxBytes = maxBytes;
  }

  /** Bytes of the beginning that went away because of the limit. */
  get droppedBytes(): number {
    return this.#droppedBytes;
  }

  get lengthBytes(): number {
    return this.#full.length * chunkBytes + this.#used;
  }

  addByte(byte: number): void {
    if (this.#used === chunkBytes) this.#nextChunk();
    this.#chunk[this.#used++] = byte;
  }

  /** @param text ASCII only. */
  addAscii(text: string): void {
    for (let i = 0; i < text.length; i++) this.addByte(text.charCodeAt(i));
  }

  addBytes(bytes: Uint8Array): void {
    for (let done = 0; done < bytes.length; ) {
      if (this.#used === chunkBytes) this.#nextChunk();
      const part = Math.min(bytes.length - done, chunkBytes - this.#used);
      this.#chunk.set(bytes.subarray(done, done + part), this.#used);
      this.#used += part;
      done += part;
    }
  }

  /** All of the text that was kept, as one fresh array. */
  toBytes(): Uint8Array {
    const text = new Uint8Array(this.lengthBytes);
    for (const [i, chunk] of this.#full.entries()) text.set(chunk, i * chunkBytes);
    text.set(this.#chunk.subarray(0, this.#used), this.#full.length * chunkBytes);
    return text;
  }

  #nextChunk(): void {
    this.#full.push(this.#chunk);
    this.#used = 0;
    if (this.#full.length * chunkBytes >= this.#maxBytes) {
      this.#chunk = this.#full.shift()!;
      this.#droppedBytes += chunkBytes;
    } else {
      this.#chunk = new Uint8Array(chunkBytes);
    }
  }
}
