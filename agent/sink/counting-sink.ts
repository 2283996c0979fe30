/** A sink that keeps nothing and counts: what a dump would take, for dry runs. */
import type { Sink } from './sink.ts';

export class CountingSink implements Sink {
  readonly name = 'nowhere (dry run)';
  readonly seekable = true;
  /** All bytes written, those written twice counted twice. */
  writtenBytes = 0;
  /** How long the file would be: the end of the farthest write. */
  sizeBytes = 0;

  write(offset: number, bytes: Uint8Array): void {
    this.writtenBytes += bytes.length;
    this.sizeBytes = Math.max(this.sizeBytes, offset + bytes.length);
  }

  sync(): void {}

  close(): void {}
}
