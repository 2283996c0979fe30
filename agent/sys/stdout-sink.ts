/**
 * A dump target without positions: standard output, usually a pipe into `ssh`, `gzip` or another program.
 *
 * A pipe may be in non-blocking mode because a program before us left it so; then a full pipe is waited for, not an error.
 */
import { writeSync } from 'node:fs';
import type { FileOffset } from '../binary/units.ts';
import { encodeText } from '../binary/text.ts';
import { hex } from '../binary/units.ts';
import { type Sink, SinkError } from '../sink/sink.ts';
import { codeOf } from './errno.ts';
import { writeError } from './write-error.ts';

/** Sleeps until the descriptor takes bytes again, or some milliseconds have passed. */
export type WaitUntilWritable = (fd: number) => void;

/**
 * An append-only sink on a descriptor that somebody else opened and closes.
 *
 * @param name stands in messages.
 */
export function createStreamSink(fd: number, name: string, waitUntilWritable: WaitUntilWritable): Sink {
  return new StreamSink(fd, name, waitUntilWritable);
}

/**
 * Writes all of `bytes`, waiting as long as the reader needs.
 *
 * @throws what the system call throws, but EAGAIN and EINTR.
 */
export function writeAll(fd: number, bytes: Uint8Array, waitUntilWritable: WaitUntilWritable): void {
  let done = 0;
  while (done < bytes.length) {
    try {
      done += writeSync(fd, bytes, done, bytes.length - done);
    } catch (error) {
      const code = codeOf(error);
      if (code === 'EAGAIN') waitUntilWritable(fd);
      else if (code !== 'EINTR') throw error;
    }
  }
}

/** Writes text for a person or a program. @throws SinkError `sink/io`, `sink/no-space`. */
export function printTo(fd: number, name: string, text: string, waitUntilWritable: WaitUntilWritable): void {
  try {
    writeAll(fd, encodeText(text), waitUntilWritable);
  } catch (cause) {
    throw writeFailure(name, undefined, cause);
  }
}

/** Writes to standard error. There is nobody left to tell when that fails. */
export function printErrorText(text: string, waitUntilWritable: WaitUntilWritable): void {
  try {
    writeAll(2, encodeText(text), waitUntilWritable);
  } catch {}
}

class StreamSink implements Sink {
  readonly name: string;
  readonly seekable = false;
  readonly #fd: number;
  readonly #waitUntilWritable: WaitUntilWritable;
  #written = 0;
  #closed = false;

  constructor(fd: number, name: string, waitUntilWritable: WaitUntilWritable) {
    this.#fd = fd;
    this.name = name;
    this.#waitUntilWritable = waitUntilWritable;
  }

  write(offset: FileOffset, bytes: Uint8Array): void {
    if (this.#closed) throw new SinkError('sink/io', `Cannot write ${this.name}: it is closed`, { where: this.name });
    if (offset !== this.#written) {
      throw new SinkError(
        'sink/io',
        `Cannot write ${this.name} at ${hex(offset)}: ${hex(this.#written)} bytes were written, and it cannot seek`,
      );
    }
    try {
      writeAll(this.#fd, bytes, this.#waitUntilWritable);
    } catch (cause) {
      throw writeFailure(this.name, offset, cause);
    }
    this.#written += bytes.length;
  }

  /** What a reader does with the bytes is beyond our reach. */
  sync(): void {}

  close(): void {
    this.#closed = true;
  }
}

function writeFailure(name: string, offset: FileOffset | undefined, cause: unknown): SinkError {
  if (codeOf(cause) !== 'EPIPE') return writeError(name, offset, cause);
  return new SinkError('sink/io', `Cannot write ${name}: the reader has gone`, { where: name, cause });
}
