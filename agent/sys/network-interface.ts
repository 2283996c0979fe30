/** Talking to servers. Asynchronous: used on a thread of its own, or by commands that wait. Every call ends: by its own limit or the caller's. */
import type { KcaptureError } from '../errors.ts';

/**
 * Codes: `network/unreachable` (no route, refused, no answer), `network/name` (cannot be resolved), `network/certificate` (the server's is not trusted,
 * expired, for another name), `network/host-key` (not the pinned one, or none is pinned), `network/auth`, `network/stalled` (no byte moved for the
 * limit), `network/broken` (the connection ended in the middle), `network/protocol` (an answer that makes no sense), `network/limit` (an answer too large).
 */
export type NetworkErrorCode =
  `network/${'unreachable' | 'name' | 'certificate' | 'host-key' | 'auth' | 'stalled' | 'broken' | 'protocol' | 'limit'}`;
export type NetworkFailure = KcaptureError & { readonly code: NetworkErrorCode };

export type HttpRequest = {
  readonly method: string;
  readonly url: string;
  readonly headers?: Readonly<Record<string, string>>;
  /** A stream is sent chunked unless `content-length` is among the headers; it is asked for more only when the socket takes more. */
  readonly body?: Uint8Array | AsyncIterable<Uint8Array>;
  /** Numeric, tried in turn; else the name is resolved. */
  readonly addresses?: readonly string[];
  readonly tls?: { readonly authority?: string; readonly certificate?: string; readonly key?: string };
  readonly connectMs: number;
  /** Longest time without a byte moving in either direction, the answer's first byte included. */
  readonly stallMs: number;
  /** Default 1 MiB. */
  readonly mostAnswerBytes?: number;
  /** From the end of the body to the answer's headers, and from there to its end. Default: 15 minutes. */
  readonly answerMs?: number;
  /** Bytes of the body handed to the socket so far. */
  readonly onSent?: (bytes: number) => void;
  readonly signal?: AbortSignal;
};

/** Redirects are never followed: the caller sees them. */
export type HttpAnswer = {
  readonly status: number;
  /** Names in lower case. */
  readonly headers: Readonly<Record<string, string>>;
  readonly body: Uint8Array;
};

export type SshRequest = {
  readonly host: string;
  readonly port: number;
  readonly user: string;
  readonly addresses?: readonly string[];
  readonly privateKey: string;
  /** Called with the key the server shows, `ssh-ed25519 AAAA…`. False ends the connection with `network/host-key`. */
  readonly trust: (hostKey: string) => boolean;
  /** Kinds of key it knows, e.g. `ssh-ed25519`, the wanted ones first: a server that has several shows one of these. Default: any. */
  readonly hostKeyTypes?: readonly string[];
  readonly connectMs: number;
  readonly stallMs: number;
};

export type RemoteStatus = { readonly kind: 'file' | 'folder' | 'other'; readonly sizeBytes: number };

/** One ssh connection with its SFTP channel. Failures of a file are `SshFileError` codes `ssh/missing|permission|no-space|exists|failure`; those of the connection `network/…`. */
export interface SshSession {
  /** Resolves when the connection is gone, whoever ended it. */
  readonly ended: Promise<void>;
  status(path: string): Promise<RemoteStatus | undefined>;
  list(path: string): Promise<readonly string[]>;
  makeFolder(path: string, mode: number): Promise<void>;
  /** Replaces what has the name. */
  rename(from: string, to: string): Promise<void>;
  remove(path: string): Promise<void>;
  removeFolder(path: string): Promise<void>;
  /** `undefined`: the server cannot tell. */
  freeBytes(path: string): Promise<number | undefined>;
  /** Absolute path. */
  realPath(path: string): Promise<string>;
  /** `create`: new and empty, mode 0600. `update`: as it is. */
  open(path: string, how: 'create' | 'update' | 'read'): Promise<SshFile>;
  /** Runs a program, its words quoted for the far shell; `undefined` when the server lets us run nothing. Some then run another with a status of its own. */
  run(argv: readonly string[], timeoutMs: number): Promise<{ readonly status: number; readonly stdout: string } | undefined>;
  end(): void;
}

export interface SshFile {
  /** Resolves when the server has acknowledged it; the bytes may be reused then. Several may be under way. */
  write(offset: number, bytes: Uint8Array): Promise<void>;
  read(offset: number, length: number): Promise<Uint8Array>;
  /** False: the server has no way to make it durable. */
  sync(): Promise<boolean>;
  close(): Promise<void>;
}

export interface Network {
  /** Numeric addresses of a name, in the order to try; a numeric name is its own. @throws NetworkFailure `network/name` */
  resolve(host: string, timeoutMs: number): Promise<readonly string[]>;
  /** Opens and closes a TCP connection. @throws NetworkFailure `network/unreachable` */
  reach(address: string, port: number, timeoutMs: number): Promise<void>;
  /** @throws NetworkFailure. An answer of whatever status is none. */
  http(request: HttpRequest): Promise<HttpAnswer>;
  /** @throws NetworkFailure */
  ssh(request: SshRequest): Promise<SshSession>;
}
