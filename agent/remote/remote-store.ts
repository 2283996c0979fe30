/**
 * One capture's place on a server: what each protocol gives. Asynchronous; it lives on the network thread, and `target/` shows it to the
 * run as a `DumpStore`.
 *
 * Each call retries by itself what may be retried, within the context's limits, and then throws a RemoteError. What has resolved is durable as far
 * as the protocol can promise.
 */
import type { Credentials } from '../config/credentials.ts';
import type { RemotePlace } from '../config/remote-place.ts';
import { KcaptureError } from '../errors.ts';
import type { Network } from '../sys/network-interface.ts';

/**
 * Codes: `remote/unreachable`, `remote/untrusted` (host key or certificate), `remote/auth`, `remote/forbidden`, `remote/missing` (bucket, folder), `remote/no-space`,
 * `remote/too-large`, `remote/redirect`, `remote/expired` (credentials), `remote/clock`, `remote/stalled`, `remote/broken`, `remote/server` (5xx and the like),
 * `remote/unsupported`. The message says what the server answered and names the place, never a secret.
 */
export class RemoteError extends KcaptureError {}

export type RemoteContext = {
  readonly network: Network;
  readonly place: RemotePlace;
  /** Of the place's host, found out on the healthy machine: used when the name cannot be resolved. */
  readonly addresses: readonly string[];
  readonly credentials: Credentials;
  /** The server renames (http: MOVE). Others know by themselves. */
  readonly canRename: boolean;
  /** Which capture this is; each protocol makes its own folder of it. */
  readonly capture: { readonly name: string; readonly machineId: string | undefined; readonly startedAtMs: number };
  /** Go on in the folder that an agent which died has begun. */
  readonly adopt: boolean;
  readonly limits: RemoteLimits;
  /** Milliseconds since 1970. */
  readonly wallClockMs: () => number;
  /** A sentence for the log: `the connection broke; trying again in 2 s`. */
  readonly onNote: (sentence: string) => void;
  /** Something moved. */
  readonly onProgress: () => void;
};

export type RemoteLimits = {
  readonly connectMs: number;
  /** Without a byte moving. */
  readonly stallMs: number;
  /** For all attempts of one call together, waits included. */
  readonly retryMs: number;
  /** For buffers that hold what may have to be sent again. */
  readonly bufferBytes: number;
};

export type RemoteEntry = { readonly name: string; readonly sizeBytes: number };

export interface RemoteStore {
  /** This capture's folder, as a URL without secrets. */
  readonly where: string;
  /** True: a memory file is written at any offset, and again. False: as one stream. */
  readonly seekable: boolean;
  /** `undefined`: the server does not say. */
  freeBytes(): Promise<number | undefined>;
  /** A small file; replaces what has the name. */
  save(name: string, content: Uint8Array): Promise<void>;
  /** Nothing happens when there is none. */
  remove(name: string): Promise<void>;
  /** Begins a large file; what an earlier attempt left of it goes. */
  create(name: string): Promise<RemoteFile>;
  /** Files of this capture. */
  list(): Promise<readonly RemoteEntry[]>;
  /** Lower-case hexadecimal, as the server gives it back or as it was sent and acknowledged with a checksum; `undefined`: cannot be had. */
  sha256(name: string): Promise<string | undefined>;
  /** Names of this machine's captures beside this one, as `formatDumpName` makes them. */
  captures(): Promise<readonly string[]>;
  close(): Promise<void>;
}

export interface RemoteFile {
  /**
   * Resolves when `bytes` may be reused. Not seekable: offsets follow one another, and the caller waits for each. Seekable: several may be
   * under way. @throws RemoteError; then the file is lost, unless it can be begun anew.
   */
  write(offset: number, bytes: Uint8Array): Promise<void>;
  /** All that was written is with the server. */
  sync(): Promise<void>;
  /** True: gets its name. False: stays, under the name that says incomplete. */
  finish(complete: boolean): Promise<void>;
  /** Nothing of it stays on the server: no temporary file, no part. */
  discard(): Promise<void>;
}
