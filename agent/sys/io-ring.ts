/**
 * io_uring with one write under way at a time: the kernel writes while this thread goes on, without a thread of ours.
 *
 * @source io_uring(7), linux/io_uring.h
 */
import { dlopen, FFIType, ptr, toArrayBuffer } from 'bun:ffi';
import { closeSync } from 'node:fs';
import { KiB } from '../binary/units.ts';
import { mapMemory, mapping, unmapMemory } from './libc.ts';

const syscall = dlopen('libc.so.6', {
  syscall: { args: ['i64', 'u64', 'u64', 'u64', 'u64', 'u64', 'u64'], returns: FFIType.i64_fast },
}).symbols.syscall;

/** The same on every architecture. */
const call = { setup: 425, enter: 426 } as const;
const opcodeWrite = 23;
const waitForCompletion = 1;
/** What mmap(2) is told as the offset in the ring's file. */
const place = { rings: 0, entries: 0x10000000 } as const;
/** IORING_FEAT_SINGLE_MMAP: both rings in one mapping, since Linux 5.4. */
const singleMapping = 1;
const entryBytes = 64;
const completionWords = 4;
/** Rings of one entry take some hundred bytes. */
const mostRingBytes = 64 * KiB;

/** Words of struct io_uring_params, and of the two tables of offsets in it. */
const parameterWords = 30;
const word = { submissions: 0, completions: 1, features: 5, submission: 10, completion: 20 } as const;

type Ring = {
  readonly fd: number;
  /** Both rings, as 32-bit words. */
  readonly words: Uint32Array;
  readonly entry: DataView;
  /** Indexes in `words`. */
  readonly at: {
    readonly tail: number;
    readonly array: number;
    readonly doneHead: number;
    readonly doneTail: number;
    readonly done: number;
  };
  readonly doneMask: number;
};

export class IoRing {
  readonly #ring: Ring;
  /** What the kernel reads; it stays alive until then. */
  #bytes: Uint8Array | undefined;

  constructor(ring: Ring) {
    this.#ring = ring;
  }

  /**
   * Begins pwrite(2) of all of `bytes`, which must stay as they are until `wait`; nothing may be under way.
   * @param offset a multiple of what the file asks for, as the address and the length are.
   * @returns whether the kernel took it.
   */
  begin(fd: number, offset: number, bytes: Uint8Array): boolean {
    const { words, entry, at } = this.#ring;
    if (this.#bytes !== undefined || bytes.length === 0 || !Number.isSafeInteger(offset) || offset < 0) return false;
    new Uint8Array(entry.buffer).fill(0);
    entry.setUint8(0, opcodeWrite);
    entry.setInt32(4, fd, true);
    entry.setBigUint64(8, BigInt(offset), true);
    entry.setBigUint64(16, BigInt(ptr(bytes)), true);
    entry.setUint32(24, bytes.length, true);
    words[at.array] = 0;
    Atomics.add(words, at.tail, 1);
    if (this.#enter(1, 0) !== 1) {
      // It did not look at the entry, and must not later.
      Atomics.sub(words, at.tail, 1);
      return false;
    }
    this.#bytes = bytes;
    return true;
  }

  /** Waits for what is under way. @returns the bytes written, which may be fewer than were given; a negative errno; 0 when nothing was under way. */
  wait(): number {
    const { words, at, doneMask } = this.#ring;
    if (this.#bytes === undefined) return 0;
    while (Atomics.load(words, at.doneTail) === words[at.doneHead]) this.#enter(0, 1);
    const head = words[at.doneHead];
    const result = words[at.done + (head & doneMask) * completionWords + 2] | 0;
    Atomics.add(words, at.doneHead, 1);
    this.#bytes = undefined;
    return result;
  }

  /** After `wait`. The mappings stay, as arrays look at them: two pages. */
  close(): void {
    closeSync(this.#ring.fd);
  }

  #enter(submissions: number, completions: number): number {
    // Why: the kernel looks at the rings when it is called.
    // Safe: plain numbers; the entry was filled completely, and the array it names is kept alive by #bytes until its completion was seen.
    return Number(syscall(call.enter, this.#ring.fd, submissions, completions, completions > 0 ? waitForCompletion : 0, 0, 0));
  }
}

/** @returns `undefined` where the kernel has no io_uring, or does not let us use it. */
export function openIoRing(): IoRing | undefined {
  const parameters = new Uint32Array(parameterWords);
  // Why: the C library has no function for it.
  // Safe: struct io_uring_params has 120 bytes, all zero: no options.
  const fd = Number(syscall(call.setup, 1, ptr(parameters), 0, 0, 0, 0));
  if (fd < 0) return undefined;
  const ring = mapRing(fd, parameters);
  if (ring === undefined) closeSync(fd);
  return ring === undefined ? undefined : new IoRing(ring);
}

function mapRing(fd: number, parameters: Uint32Array): Ring | undefined {
  const [, tail, , , , , array] = parameters.subarray(word.submission);
  const [doneHead, doneTail, , , , done] = parameters.subarray(word.completion);
  const ringBytes = Math.max(array + 4 * parameters[word.submissions], done + 4 * completionWords * parameters[word.completions]);
  const isKnown = (parameters[word.features] & singleMapping) !== 0 && parameters[word.submissions] === 1 && ringBytes <= mostRingBytes;
  const isAligned = [tail, array, doneHead, doneTail, done].every((offset) => offset % 4 === 0 && offset < ringBytes);
  if (!isKnown || !isAligned) return undefined;
  const request = { address: 0, protection: mapping.read | mapping.write, flags: mapping.shared, fd };
  const rings = mapMemory({ ...request, length: ringBytes, offset: place.rings });
  if (rings === undefined) return undefined;
  const entries = mapMemory({ ...request, length: entryBytes, offset: place.entries });
  if (entries === undefined) {
    unmapMemory(rings, ringBytes);
    return undefined;
  }
  // Why: kernel and program meet in these pages.
  // Safe: both lengths were mapped just now, and the mappings are never taken back while an array looks at them.
  const [ringBuffer, entryBuffer] = [toArrayBuffer(rings as never, 0, ringBytes & ~3), toArrayBuffer(entries as never, 0, entryBytes)];
  return {
    fd,
    words: new Uint32Array(ringBuffer),
    entry: new DataView(entryBuffer),
    at: { tail: tail / 4, array: array / 4, doneHead: doneHead / 4, doneTail: doneTail / 4, done: done / 4 },
    doneMask: parameters[word.completions] - 1,
  };
}
