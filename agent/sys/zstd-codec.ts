/**
 * zstd through the embedded libzstd.
 *
 * @source zstd.h of libzstd 1.5
 */
import { FFIType, type Pointer } from 'bun:ffi';
import { KiB } from '../binary/units.ts';
import { CompressError, type PageCodec } from '../compress/codec.ts';
import { corruptBlock } from '../compress/page-range.ts';
import { ArrayAddress } from './array-address.ts';
import { openEmbeddedLibrary } from './embedded-library.ts';

const functions = {
  ZSTD_createCCtx: { args: [], returns: 'ptr' },
  ZSTD_freeCCtx: { args: ['ptr'], returns: FFIType.i64_fast },
  ZSTD_CCtx_setParameter: { args: ['ptr', 'i32', 'i32'], returns: FFIType.i64_fast },
  ZSTD_compress2: { args: ['ptr', 'usize', 'usize', 'usize', 'usize'], returns: FFIType.i64_fast },
  ZSTD_createDCtx: { args: [], returns: 'ptr' },
  ZSTD_freeDCtx: { args: ['ptr'], returns: FFIType.i64_fast },
  ZSTD_decompressDCtx: { args: ['ptr', 'usize', 'usize', 'usize', 'usize'], returns: FFIType.i64_fast },
} as const;

/** @source zstd.h, ZSTD_cParameter */
const compressionLevel = 100;
const hashLog = 102;
const minMatch = 105;
/**
 * Negative levels look for matches of 5 bytes or longer. With 4, pages become 2.5 % smaller for 5 % more time (measured on kernel memory: 0.62
 * to 0.70 of the time of level 1, 1.035 to 1.071 of its size). Double-fast and greedy search were measured worse on both.
 */
const fastMinMatch = 4;
/**
 * For pages of 4 KiB and negative levels: a hash table of 8 KiB instead of 32 leaves the processor's first cache to the page. 3 % less time for 0.3 % more
 * bytes (measured). Larger pages keep the library's own.
 */
const smallPage = { lengthBytes: 4 * KiB, hashLog: 11 } as const;
/** A failed call returns the negated error number as a size. @source zstd_errors.h, ZSTD_error_dstSize_tooSmall */
const targetTooSmall = -70;

type Zstd = ReturnType<typeof openEmbeddedLibrary<typeof functions>>['symbols'];
let library: Zstd | undefined;

/**
 * @param level −131072 … 22; the library brings others into its range.
 * @throws NativeError `sys/native` when the library cannot be loaded.
 */
export function openZstdCodec(level: number): PageCodec {
  library ??= openEmbeddedLibrary('libzstd', functions).symbols;
  return new ZstdCodec(library, level);
}

class ZstdCodec implements PageCodec {
  readonly name = 'zstd';
  readonly #zstd: Zstd;
  #level: number;
  readonly #source = new ArrayAddress();
  readonly #target = new ArrayAddress();
  #compressor: Pointer | null = null;
  #hasSmallPages = false;
  #expander: Pointer | null = null;
  #closed = false;

  constructor(zstd: Zstd, level: number) {
    this.#zstd = zstd;
    this.#level = level;
  }

  /** No more than the page: the library is told where the target ends. */
  outputBound(length: number): number {
    return length;
  }

  compress(source: Uint8Array, sourceStart: number, length: number, target: Uint8Array, targetStart: number): number {
    const context = this.#compressor ?? this.#openCompressor(length);
    const from = this.#source.of(source, sourceStart, length);
    const to = this.#target.of(target, targetStart, length);
    // Why: a page through FFI costs what it costs in C; Bun's own zstd takes 1.6 times as long and allocates for each page.
    // Safe: both ranges were checked above; the library writes at most length − 1 bytes and fails when that is too little.
    const size = this.#zstd.ZSTD_compress2(context, to, length - 1, from, length) as number;
    if (size > 0) return size;
    if (size === targetTooSmall) return 0;
    throw new CompressError('compress/failed', `Cannot compress a page with zstd: error ${-size}`);
  }

  decompress(
    source: Uint8Array,
    sourceStart: number,
    sourceLength: number,
    target: Uint8Array,
    targetStart: number,
    targetLength: number,
  ): void {
    const context = this.#expander ?? this.#openExpander();
    const from = this.#source.of(source, sourceStart, sourceLength);
    const to = this.#target.of(target, targetStart, targetLength);
    // Why: as for compression.
    // Safe: both ranges were checked above; the library reads and writes inside them whatever the frame says.
    const size = this.#zstd.ZSTD_decompressDCtx(context, to, targetLength, from, sourceLength) as number;
    if (size === targetLength) return;
    throw corruptBlock('zstd', sourceLength, targetLength, size < 0 ? `error ${-size}` : `${size} bytes`);
  }

  setLevel(level: number): void {
    if (level === this.#level) return;
    this.#level = level;
    if (this.#compressor !== null) this.#applyLevel(this.#compressor);
  }

  close(): void {
    if (this.#closed) return;
    this.#closed = true;
    // Why: native memory is not garbage collected.
    // Safe: the contexts came from the library, are freed once (it ignores a null pointer) and forgotten.
    this.#zstd.ZSTD_freeCCtx(this.#compressor);
    this.#zstd.ZSTD_freeDCtx(this.#expander);
    this.#compressor = null;
    this.#expander = null;
  }

  #openCompressor(pageLength: number): Pointer {
    if (this.#closed) throw new CompressError('compress/failed', 'Cannot compress with zstd: the codec is closed');
    // Why: one context serves all pages of a thread.
    // Safe: the result is checked.
    const context = this.#zstd.ZSTD_createCCtx() as Pointer | null;
    if (context === null) throw new CompressError('compress/failed', 'Cannot get memory for zstd compression');
    this.#compressor = context;
    this.#hasSmallPages = pageLength <= smallPage.lengthBytes;
    this.#applyLevel(context);
    return context;
  }

  #applyLevel(context: Pointer): void {
    // Why: a context keeps its parameters from frame to frame.
    // Safe: plain numbers, which the library brings into their ranges; 0 is its own choice for the level.
    this.#zstd.ZSTD_CCtx_setParameter(context, compressionLevel, this.#level);
    this.#zstd.ZSTD_CCtx_setParameter(context, minMatch, this.#level < 0 ? fastMinMatch : 0);
    this.#zstd.ZSTD_CCtx_setParameter(context, hashLog, this.#level < 0 && this.#hasSmallPages ? smallPage.hashLog : 0);
  }

  #openExpander(): Pointer {
    if (this.#closed) throw new CompressError('compress/failed', 'Cannot expand with zstd: the codec is closed');
    // Why: one context serves all pages of a thread.
    // Safe: the result is checked.
    const context = this.#zstd.ZSTD_createDCtx() as Pointer | null;
    if (context === null) throw new CompressError('compress/failed', 'Cannot get memory for zstd decompression');
    this.#expander = context;
    return context;
  }
}
