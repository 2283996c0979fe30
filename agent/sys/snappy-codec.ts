/**
 * snappy through the embedded libsnappy and the C++ runtime it needs.
 *
 * @source snappy-c.h of snappy 1.1
 */
import { ptr } from 'bun:ffi';
import { CompressError, type PageCodec } from '../compress/codec.ts';
import { corruptBlock } from '../compress/page-range.ts';
import { snappyOutputBound } from '../compress/snappy.ts';
import { ArrayAddress } from './array-address.ts';
import { openEmbeddedLibrary } from './embedded-library.ts';

const functions = {
  snappy_compress: { args: ['usize', 'usize', 'usize', 'usize'], returns: 'i32' },
  snappy_uncompress: { args: ['usize', 'usize', 'usize', 'usize'], returns: 'i32' },
} as const;

type Snappy = ReturnType<typeof openEmbeddedLibrary<typeof functions>>['symbols'];
let library: Snappy | undefined;

/** @throws NativeError `sys/native` when the library cannot be loaded. */
export function openSnappyCodec(): PageCodec {
  library ??= openEmbeddedLibrary('libsnappy', functions, ['libgcc_s', 'libstdc++']).symbols;
  return new SnappyCodec(library);
}

class SnappyCodec implements PageCodec {
  readonly name = 'snappy';
  readonly #snappy: Snappy;
  readonly #source = new ArrayAddress();
  readonly #target = new ArrayAddress();
  /** The size_t that goes in as the room and comes back as the size: low and high half. */
  readonly #size = new Uint32Array(new ArrayBuffer(8));
  readonly #sizeAddress = ptr(this.#size);

  constructor(snappy: Snappy) {
    this.#snappy = snappy;
  }

  outputBound(length: number): number {
    return snappyOutputBound(length);
  }

  compress(source: Uint8Array, sourceStart: number, length: number, target: Uint8Array, targetStart: number): number {
    const room = this.outputBound(length);
    const from = this.#source.of(source, sourceStart, length);
    const to = this.#target.of(target, targetStart, room);
    this.#size[0] = room;
    this.#size[1] = 0;
    // Why: a page through FFI costs what it costs in C.
    // Safe: both ranges were checked above; the library refuses when the room is below its own bound.
    const status = this.#snappy.snappy_compress(from, length, to, this.#sizeAddress);
    if (status !== 0) throw new CompressError('compress/failed', `Cannot compress a page with snappy: status ${status}`);
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
    // Safe: both ranges were checked above; the library compares the size the block announces with the room it is given.
    const status = this.#snappy.snappy_uncompress(from, sourceLength, to, this.#sizeAddress);
    if (status !== 0)
      throw corruptBlock('snappy', sourceLength, targetLength, status === 1 ? 'the block is damaged' : 'the block is too long');
    if (this.#size[0] !== targetLength) throw corruptBlock('snappy', sourceLength, targetLength, `${this.#size[0]} bytes`);
  }

  /** The library keeps nothing between calls. */
  close(): void {}
}
