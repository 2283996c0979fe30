/**
 * zstd through what is built into Bun: slower, one allocation a page, but there when the embedded library cannot be loaded.
 */
import { CompressError, type PageCodec } from '../compress/codec.ts';
import { checkPageRange, corruptBlock } from '../compress/page-range.ts';
import { zstdContentSize } from '../compress/zstd.ts';

/** @param level Bun knows 1 … 22; a lower one becomes 1. */
export function openBunZstdCodec(level: number): PageCodec {
  const options = { level: knownLevel(level) };
  return {
    name: 'zstd',
    outputBound: (length) => length,
    compress(source, sourceStart, length, target, targetStart) {
      checkPageRange(source, sourceStart, length);
      checkPageRange(target, targetStart, length);
      const frame = Bun.zstdCompressSync(source.slice(sourceStart, sourceStart + length), options);
      if (frame.length >= length) return 0;
      target.set(frame, targetStart);
      return frame.length;
    },
    decompress(source, sourceStart, sourceLength, target, targetStart, targetLength) {
      checkPageRange(source, sourceStart, sourceLength);
      checkPageRange(target, targetStart, targetLength);
      const announced = zstdContentSize(source, sourceStart, sourceLength);
      // Memory is allocated for what the frame announces: believe it only when it is the page.
      if (announced !== targetLength) throw corruptBlock('zstd', sourceLength, targetLength, `${announced ?? 'no'} bytes announced`);
      const page = expand(source.slice(sourceStart, sourceStart + sourceLength), targetLength);
      target.set(page, targetStart);
    },
    setLevel(next) {
      options.level = knownLevel(next);
    },
    close() {},
  };
}

function knownLevel(level: number): number {
  return Math.min(Math.max(level, 1), 22);
}

function expand(frame: Uint8Array<ArrayBuffer>, targetLength: number): Uint8Array {
  let page: Uint8Array;
  try {
    page = Bun.zstdDecompressSync(frame);
  } catch (cause) {
    throw new CompressError('compress/corrupt', `Cannot expand a zstd block of ${frame.length} bytes: it is damaged`, { cause });
  }
  if (page.length === targetLength) return page;
  throw corruptBlock('zstd', frame.length, targetLength, `${page.length} bytes`);
}
