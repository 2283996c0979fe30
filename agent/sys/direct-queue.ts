/**
 * Writes a file past the page cache, by io_uring: the disk takes a piece from the program's memory while the next is filled, and no copy of the dump
 * pushes out of a small memory what is needed there.
 *
 * Where that cannot be, or fails, a piece is written as any other: then the reason of a failure is that of an ordinary write.
 */
import { ptr } from 'bun:ffi';
import { closeSync, constants, openSync, statfsSync } from 'node:fs';
import { KiB, MiB } from '../binary/units.ts';
import type { Sink } from '../sink/sink.ts';
import type { ClosableQueue } from './file-sink.ts';
import { type IoRing, openIoRing } from './io-ring.ts';

/** Addresses, offsets and lengths are multiples of it: more than any disk asks for, and a page of any system, so that no page is written both ways. */
const alignment = 64 * KiB;
/**
 * ext2 to ext4, and XFS. In memory (tmpfs) another thread of the kernel would do the copying, and over NFS each piece would be made durable by itself.
 * @source linux/magic.h
 */
const directFileSystems: ReadonlySet<number> = new Set([0xef53, 0x58465342]);
/** A dump took 2.37 s, with pieces of 256 KiB 2.45 s (measured). */
const pieceBytes = MiB;

/**
 * @param fd of a file open for writing.
 * @param plainWrite how a piece is written otherwise.
 * @returns `undefined` where the file system or the kernel does not offer it, or it would not serve.
 */
export function openDirectQueue(fd: number, plainWrite: Sink['write']): ClosableQueue | undefined {
  let directFd: number;
  try {
    if (!directFileSystems.has(statfsSync(`/proc/self/fd/${fd}`).type)) return undefined;
    directFd = openSync(`/proc/self/fd/${fd}`, constants.O_WRONLY | constants.O_DIRECT);
  } catch {
    return undefined;
  }
  const ring = openIoRing();
  if (ring !== undefined) return new RingQueue(directFd, ring, plainWrite);
  closeSync(directFd);
  return undefined;
}

class RingQueue implements ClosableQueue {
  readonly pieces = [alignedArray(), alignedArray()] as const;
  readonly #fd: number;
  readonly #ring: IoRing;
  readonly #plainWrite: Sink['write'];
  /** What is under way, or was and has to be written otherwise. */
  #begun: { readonly offset: number; readonly bytes: Uint8Array } | undefined;
  /** False for good once the kernel did something else than write all of a piece. */
  #serves = true;

  constructor(fd: number, ring: IoRing, plainWrite: Sink['write']) {
    this.#fd = fd;
    this.#ring = ring;
    this.#plainWrite = plainWrite;
  }

  begin(offset: number, bytes: Uint8Array): void {
    const isAligned = offset % alignment === 0 && bytes.length % alignment === 0 && ptr(bytes) % alignment === 0;
    if (isAligned && this.#serves) this.#serves = this.#ring.begin(this.#fd, offset, bytes);
    if (isAligned && this.#serves) this.#begun = { offset, bytes };
    else this.#plainWrite(offset, bytes);
  }

  settle(): void {
    if (this.#begun === undefined) return;
    const { offset, bytes } = this.#begun;
    if (this.#serves && this.#ring.wait() !== bytes.length) this.#serves = false;
    if (!this.#serves) this.#plainWrite(offset, bytes);
    this.#begun = undefined;
  }

  close(): void {
    this.#ring.wait();
    this.#ring.close();
    closeSync(this.#fd);
  }
}

/** Part of a longer array, whose bytes never move. */
function alignedArray(): Uint8Array {
  const bytes = new Uint8Array(pieceBytes + alignment);
  const start = (alignment - (ptr(bytes) % alignment)) % alignment;
  return bytes.subarray(start, start + pieceBytes);
}
