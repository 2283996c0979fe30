/** The zlib page codec over Node's own zlib, for tests that need a second codec beside raw pages. */
import { deflateSync, inflateSync } from 'node:zlib';
import { CompressError, type PageCodec } from '../compress/codec.ts';

export class NodeZlibCodec implements PageCodec {
  readonly name = 'zlib';

  outputBound(length: number): number {
    return length;
  }

  compress(source: Uint8Array, sourceStart: number, length: number, target: Uint8Array, targetStart: number): number {
    const block = deflateSync(source.subarray(sourceStart, sourceStart + length), { level: 1 });
    if (block.length >= length) return 0;
    target.set(block, targetStart);
    return block.length;
  }

  decompress(source: Uint8Array, start: number, length: number, target: Uint8Array, targetStart: number, targetLength: number): void {
    let page: Uint8Array;
    try {
      page = inflateSync(source.subarray(start, start + length), { maxOutputLength: targetLength });
    } catch (cause) {
      throw new CompressError('compress/corrupt', `Cannot expand a zlib block: ${String(cause)}`, { cause });
    }
    if (page.length !== targetLength) {
      throw new CompressError('compress/corrupt', `Cannot expand a zlib block: ${page.length} bytes, expected ${targetLength}`);
    }
    target.set(page, targetStart);
  }

  close(): void {}
}
