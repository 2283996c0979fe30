/** Where a dump goes. A sink says what it can; a format that must seek goes flattened to one that cannot. */
import { KcaptureError } from '../errors.ts';

/** Codes: `sink/exists`, `sink/open`, `sink/no-space`, `sink/io`, `sink/is-input`, `sink/broken` (a stream that cannot go on, and may be begun anew). */
export class SinkError extends KcaptureError {}

/** Writes that go on while their caller does something else, one at a time. */
export interface WriteQueue {
  /** Equally long: one is filled while the other is written. */
  readonly pieces: readonly [Uint8Array, Uint8Array];
  /**
   * Begins to write a piece or the beginning of one, which must stay as it is until `settle` returns; nothing may be under way.
   * @throws SinkError as `write` does.
   */
  begin(offset: number, bytes: Uint8Array): void;
  /**
   * Waits for what is under way, if anything is.
   * @throws SinkError `sink/no-space`, `sink/io`; it is tried again at the next call.
   */
  settle(): void;
}

export interface Sink {
  /** A path or URL without secrets, for messages. */
  readonly name: string;
  /** False: `offset` of every write must equal the bytes written so far. */
  readonly seekable: boolean;
  /** False: no byte may be written twice, though writes come in any order (a flattened stream). Absent: as `seekable`. */
  readonly rewritable?: boolean;
  /** True: bytes never written hold what was there before (a block device). Absent or false: they read as zeros. */
  readonly keepsOldBytes?: boolean;
  /**
   * Writes all of `bytes` at `offset`; the array may be reused on return.
   * @throws SinkError `sink/no-space`, `sink/io`.
   */
  write(offset: number, bytes: Uint8Array): void;
  /** Absent, or without a result: `write` is all there is. */
  openQueue?(): WriteQueue | undefined;
  /** The next writes are one of `length` bytes from `offset` on, in pieces that follow each other. Absent: that makes no difference here. */
  announce?(offset: number, length: number): void;
  /** Makes everything written durable. */
  sync(): void;
  /** Without `sync` first, nothing is promised. Idempotent. */
  close(): void;
}
