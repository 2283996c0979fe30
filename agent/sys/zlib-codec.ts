/**
 * zlib streams through the embedded libdeflate: the format of zlib, half its time.
 *
 * @source libdeflate.h of libdeflate 1.14
 */
import { FFIType, type Pointer } from 'bun:ffi';
import { CompressError, type PageCodec } from '../compress/codec.ts';
import { corruptBlock } from '../compress/page-range.ts';
import { ArrayAddress } from './array-address.ts';
import { openEmbeddedLibrary } from './embedded-library.ts';

const functions = {
  libdeflate_alloc_compressor: { args: ['i32'], returns: 'ptr' },
  libdeflate_free_compressor: { args: ['ptr'], returns: 'void' },
  libdeflate_zlib_compress: { args: ['ptr', 'usize', 'usize', 'usize', 'usize'], returns: FFIType.i64_fast },
  libdeflate_alloc_decompressor: { args: [], returns: 'ptr' },
  libdeflate_free_decompressor: { args: ['ptr'], returns: 'void' },
  libdeflate_zlib_decompress: { args: ['ptr', 'usize', 'usize', 'usize', 'usize', 'ptr'], returns: 'i32' },
} as const;

/** What libdeflate_zlib_decompress returns. @source libdeflate.h, enum libdeflate_result */
const resultWords = ['done', 'the stream is damaged', 'the stream is too short', 'the stream is too long'] as const;

type Deflate = ReturnType<typeof openEmbeddedLibrary<typeof functions>>['symbols'];
let library: Deflate | undefined;

/**
 * @param level 1 … 9.
 * @throws NativeError `sys/native` when the library cannot be loaded.
 */
export function openZlibCodec(level: number): PageCodec {
  library ??= openEmbeddedLibrary('libdeflate', functions).symbols;
  return new ZlibCodec(library, level);
}

class ZlibCodec implements PageCodec {
  readonly name = 'zlib';
  readonly #deflate: Deflate;
  readonly #level: number;
  readonly #source = new ArrayAddress();
  readonly #target = new ArrayAddress();
  #compressor: Pointer | null = null;
  #expander: Pointer | null = null;
  #closed = false;

  constructor(deflate: Deflate, level: number) {
    this.#deflate = deflate;
    this.#level = level;
  }

  /** No more than the page: the library is told where the target ends. */
  outputBound(length: number): number {
    return length;
  }

  compress(source: Uint8Array, sourceStart: number, length: number, target: Uint8Array, targetStart: number): number {
    const compressor = this.#compressor ?? this.#openCompressor();
    const from = this.#source.of(source, sourceStart, length);
    const to = this.#target.of(target, targetStart, length);
    // Why: a page through FFI costs what it costs in C.
    // Safe: both ranges were checked above; the library writes at most length − 1 bytes and returns 0 when that is too little.
    return this.#deflate.libdeflate_zlib_compress(compressor, from, length, to, length - 1) as number;
  }

  decompress(
    source: Uint8Array,
    sourceStart: number,
    sourceLength: number,
    target: Uint8Array,
    targetStart: number,
    targetLength: number,
  ): void {
    const expander = this.#expander ?? this.#openExpander();
    const from = this.#source.of(source, sourceStart, sourceLength);
    const to = this.#target.of(target, targetStart, targetLength);
    // Why: as for compression.
    // Safe: both ranges were checked above; with a null pointer last, anything but exactly targetLength bytes is a failure.
    const result = this.#deflate.libdeflate_zlib_decompress(expander, from, sourceLength, to, targetLength, null);
    if (result !== 0) throw corruptBlock('zlib', sourceLength, targetLength, resultWords[result] ?? `error ${result}`);
  }

  close(): void {
    if (this.#closed) return;
    this.#closed = true;
    // Why: native memory is not garbage collected.
    // Safe: both came from the library, are freed once (it ignores a null pointer) and forgotten.
    this.#deflate.libdeflate_free_compressor(this.#compressor);
    this.#deflate.libdeflate_free_decompressor(this.#expander);
    this.#compressor = null;
    this.#expander = null;
  }

  #openCompressor(): Pointer {
    if (this.#closed) throw new CompressError('compress/failed', 'Cannot compress with zlib: the codec is closed');
    // Why: one compressor serves all pages of a thread.
    // Safe: a level the library does not know gives a null pointer, which is checked.
    const compressor = this.#deflate.libdeflate_alloc_compressor(this.#level) as Pointer | null;
    if (compressor === null) throw new CompressError('compress/failed', `Cannot get memory for zlib compression at level ${this.#level}`);
    this.#compressor = compressor;
    return compressor;
  }

  #openExpander(): Pointer {
    if (this.#closed) throw new CompressError('compress/failed', 'Cannot expand with zlib: the codec is closed');
    // Why: one decompressor serves all pages of a thread.
    // Safe: the result is checked.
    const expander = this.#deflate.libdeflate_alloc_decompressor() as Pointer | null;
    if (expander === null) throw new CompressError('compress/failed', 'Cannot get memory for zlib decompression');
    this.#expander = expander;
    return expander;
  }
}
