/** Codecs by name, through native libraries. */
import { type CodecName, CompressError, type PageCodec } from '../compress/codec.ts';
import { defaultZlibLevel } from '../compress/zlib.ts';
import { defaultZstdLevel } from '../compress/zstd.ts';
import { openBunZstdCodec } from './bun-zstd-codec.ts';
import { NativeError } from './libc.ts';
import { openLzoCodec } from './lzo-codec.ts';
import { openSnappyCodec } from './snappy-codec.ts';
import { openZlibCodec } from './zlib-codec.ts';
import { openZstdCodec } from './zstd-codec.ts';

/**
 * `System.openCodec`. Without its embedded library zstd still has Bun's own; the other codecs are missing then.
 */
export function openCodec(name: CodecName, level?: number): PageCodec {
  try {
    if (name === 'lzo') return openLzoCodec();
    if (name === 'snappy') return openSnappyCodec();
    if (name === 'zlib') return openZlibCodec(level ?? defaultZlibLevel);
    return openZstdCodec(level ?? defaultZstdLevel);
  } catch (error) {
    if (!(error instanceof NativeError)) throw error;
    if (name === 'zstd') return openBunZstdCodec(level ?? defaultZstdLevel);
    throw new CompressError('compress/unavailable', `Cannot use ${name}: ${error.message}`, { hint: error.hint, cause: error });
  }
}
