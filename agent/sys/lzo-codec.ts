/**
 * LZO1X through the system's liblzo2, when it is there. Its licence keeps it out of the executable.
 *
 * @source lzo1x.h of LZO 2.10
 */
import { dlopen, ptr } from 'bun:ffi';
import { CompressError, type PageCodec } from '../compress/codec.ts';
import { lzoOutputBound, lzoWorkBytes } from '../compress/lzo.ts';
import { corruptBlock } from '../compress/page-range.ts';
import { ArrayAddress } from './array-address.ts';

const functions = {
  lzo1x_1_compress: { args: ['usize', 'usize', 'usize', 'usize', 'usize'], returns: 'i32' },
  lzo1x_decompress_safe: { args: ['usize', 'usize', 'usize', 'usize', 'usize'], returns: 'i32' },
} as const;

type Lzo = ReturnType<typeof dlopen<typeof functions>>['symbols'];
let library: Lzo | undefined;

/** @throws CompressError `compress/unavailable` when the library is not installed. */
export function openLzoCodec(): PageCodec {
  library ??= openLibrary();
  return new LzoCodec(library);
}

function openLibrary(): Lzo {
  try {
    // Why: LZO is what older crash tools and configurations ask for.
    // Safe: the name is fixed and found on the system's library path; the signatures are those of the public header.
    return dlopen('liblzo2.so.2', functions).symbols;
  } catch (cause) {
    const hint = 'Install the package liblzo2-2, or choose zstd, zlib or snappy.';
    throw new CompressError('compress/unavailable', 'Cannot use LZO: the library liblzo2.so.2 is not installed', { hint, cause });
  }
}

class LzoCodec implements PageCodec {
  readonly name = 'lzo';
  readonly #lzo: Lzo;
  readonly #source = new ArrayAddress();
  readonly #target = new ArrayAddress();
  readonly #work = new Uint8Array(new ArrayBuffer(lzoWorkBytes));
  readonly #workAddress = ptr(this.#work);
  /** The lzo_uint that comes back as the size, and for expanding goes in as the room: low and high half. */
  readonly #size = new Uint32Array(new ArrayBuffer(8));
  readonly #sizeAddress = ptr(this.#size);

  constructor(lzo: Lzo) {
    this.#lzo = lzo;
  }

  outputBound(length: number): number {
    return lzoOutputBound(length);
  }

  compress(source: Uint8Array, sourceStart: number, length: number, target: Uint8Array, targetStart: number): number {
    const from = this.#source.of(source, sourceStart, length);
    const to = this.#target.of(target, targetStart, this.outputBound(length));
    // Why: a page through FFI costs what it costs in C.
    // Safe: both ranges were checked above, the target's with the library's own bound; the work memory has the size it demands.
    const status = this.#lzo.lzo1x_1_compress(from, length, to, this.#sizeAddress, this.#workAddress);
    if (status !== 0) throw new CompressError('compress/failed', `Cannot compress a page with LZO: status ${status}`);
    return this.#size[0] < length ? this.#size[0] : 0;
  }

  decompress(
    source: Uint8Array,
    sourceStart: number,
    sourceLength: number,
    target: Uint8Array,
    targetStart: number,
    targetLength: number,
  ): void {
    const from = this.#source.of(source, sourceStart, sourceLength);
    const to = this.#target.of(target, targetStart, targetLength);
    this.#size[0] = targetLength;
    this.#size[1] = 0;
    // Why: as for compression.
    // Safe: both ranges were checked above; the "safe" variant checks every read and write against them.
    const status = this.#lzo.lzo1x_decompress_safe(from, sourceLength, to, this.#sizeAddress, 0);
    if (status !== 0) throw corruptBlock('LZO', sourceLength, targetLength, `status ${status}`);
    if (this.#size[0] !== targetLength) throw corruptBlock('LZO', sourceLength, targetLength, `${this.#size[0]} bytes`);
  }

  /** Everything the library used is garbage collected memory. */
  close(): void {}
}
