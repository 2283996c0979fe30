/**
 * The zstd page codec over the WebAssembly build of the package `zstd-codec`: the zstd of tests on Node, and an independent decoder for
 * frames made by anything else.
 */
import zstdCodec, { type Simple } from 'zstd-codec';
import { CompressError, type PageCodec } from '../compress/codec.ts';
import { checkPageRange, corruptBlock } from '../compress/page-range.ts';
import { defaultZstdLevel, zstdContentSize } from '../compress/zstd.ts';

/** Starts the WebAssembly module, which takes a moment; every codec made by the result is synchronous. */
export function loadNodeZstd(): Promise<(level?: number) => PageCodec> {
  return new Promise((resolve) => {
    zstdCodec.ZstdCodec.run((zstd) => {
      const simple = new zstd.Simple();
      resolve((level = defaultZstdLevel) => new NodeZstdCodec(simple, level));
    });
  });
}

class NodeZstdCodec implements PageCodec {
  readonly name = 'zstd';
  readonly #zstd: Simple;
  readonly #level: number;

  constructor(zstd: Simple, level: number) {
    this.#zstd = zstd;
    this.#level = level;
  }

  outputBound(length: number): number {
    return length;
  }

  compress(source: Uint8Array, sourceStart: number, length: number, target: Uint8Array, targetStart: number): number {
    checkPageRange(source, sourceStart, length);
    checkPageRange(target, targetStart, length);
    const frame = this.#zstd.compress(source.slice(sourceStart, sourceStart + length), this.#level);
    if (frame === null) throw new CompressError('compress/failed', 'Cannot compress a page with zstd');
    if (frame.length >= length) return 0;
    target.set(frame, targetStart);
    return frame.length;
  }

  decompress(source: Uint8Array, start: number, length: number, target: Uint8Array, targetStart: number, targetLength: number): void {
    checkPageRange(source, start, length);
    checkPageRange(target, targetStart, targetLength);
    const announced = zstdContentSize(source, start, length);
    // The library reserves what the frame announces: believe it only when it is the page.
    if (announced !== targetLength) throw corruptBlock('zstd', length, targetLength, `${announced ?? 'no'} bytes announced`);
    const page = this.#zstd.decompress(source.slice(start, start + length));
    if (page === null) throw corruptBlock('zstd', length, targetLength, 'the frame is damaged');
    target.set(page, targetStart);
  }

  close(): void {}
}
