/**
 * The seam: every effect of the product. `bun-system.ts` is the real one; tests on Node use `testing/node-system.ts`, which does
 * the same with Node's own means (pread, node:zlib, zstd-codec).
 */
import type { CodecName, PageCodec } from '../compress/codec.ts';
import type { Sink } from '../sink/sink.ts';
import type { DumpArchive } from '../vmcore/dump-archive.ts';
import type { MemoryFile } from '../vmcore/memory-file.ts';
import type { Files } from './files-interface.ts';
import type { KernelCalls } from './kernel-interface.ts';
import type { Network } from './network-interface.ts';
import type { Programs } from './programs-interface.ts';
import type { Thread } from './thread-interface.ts';

export type OpenOptions = {
  /**
   * False: pread only. True: files of the kernel such as `/proc/vmcore` are mapped, with pread as the fallback when the mapping is
   * refused; ordinary files are read, which costs the same and fails with an error, not a signal, when one shrinks. `always`: map whatever
   * it is. Default true.
   */
  readonly mmap?: boolean | 'always';
};

export type CreateOptions = {
  /** Replace a regular file that is there. Default false: `sink/exists`. */
  readonly overwrite?: boolean;
  /** There is no queue: all goes through the page cache. Default false. */
  readonly plainWrites?: boolean;
};

export interface System {
  /**
   * Opens a file to read at random.
   * @throws VmcoreError `vmcore/open`: missing, a directory, empty, not permitted; the message says which.
   */
  openFile(path: string, options?: OpenOptions): MemoryFile;
  /**
   * Opens a `.zip` and looks at the first bytes of its members.
   * @throws VmcoreError `vmcore/open`, `vmcore/bad-archive`.
   */
  openArchive(path: string): Promise<DumpArchive>;
  /**
   * A codec, its library loaded.
   * @param level zstd and zlib only. Default: zstd −1, zlib 1.
   * @throws CompressError `compress/unavailable` with a hint that names the package to install.
   */
  openCodec(name: CodecName, level?: number): PageCodec;
  /**
   * A new regular file of mode 0600, or a block device that is there already (never created: opened without O_CREAT).
   * @throws SinkError `sink/exists`, `sink/open`, `sink/is-input`.
   */
  createFile(path: string, options?: CreateOptions): Sink;
  /** Standard output, append-only. */
  standardOutput(): Sink;
  /**
   * Starts a thread of this program for each task (plain data and shared memory). None may start: the caller must manage without.
   * @param program `page-worker`, which does only that, begins sooner and takes less memory. Default: the whole.
   */
  startWorkers(tasks: readonly unknown[], program?: 'page-worker'): void;
  /** Starts a thread with an event loop that both sides can talk to. It may never start: whoever waits for it needs a limit. */
  openThread(task: unknown): Thread;
  /** Durable rename within one folder: rename, then fsync of the folder. */
  rename(from: string, to: string): void;
  remove(path: string): void;
  /** True when both paths lead to the same file (device and inode). */
  sameFile(a: string, b: string): boolean;
  exists(path: string): boolean;
  /** False when there is nothing at `path`. */
  isBlockDevice(path: string): boolean;
  /** Fills `target` from standard input, waiting for data; returns the bytes read, 0 at the end. */
  readStandardInput(target: Uint8Array): number;
  readText(path: string): string;
  /** Milliseconds of a clock that never jumps. */
  now(): number;
  /** Gives up what this thread no longer uses, as far as that is quickly done; for whoever moves many megabytes. */
  freeMemory(): void;
  /**
   * From now on the first Ctrl-C or SIGTERM does not end the program, the second does.
   * @returns whether one has come, even while this thread blocks; always false where that cannot be had.
   */
  watchInterrupts(): () => boolean;
  /** Highest resident set of this process so far, in bytes. */
  peakMemoryBytes(): number;
  /** Writes to standard error, no newline added. */
  printError(text: string): void;
  /** Writes to standard output, no newline added. */
  print(text: string): void;
  readonly errorIsTerminal: boolean;
  /** Files of the machine beyond dumps: configuration, /proc and /sys, saved dumps. */
  readonly files: Files;
  readonly programs: Programs;
  readonly kernel: KernelCalls;
  readonly network: Network;
  /** Path of this executable. */
  readonly executablePath: string;
  environment(name: string): string | undefined;
  /** One HTTP request, for notifications; never throws: status 0 and `problem` when there was no answer. */
  postJson(url: string, body: unknown, options: PostOptions): Promise<PostResult>;
}

export type PostOptions = { readonly timeoutMs: number; readonly headers?: Readonly<Record<string, string>> };
export type PostResult = { readonly status: number; readonly problem?: string };
