/** Starting a program with real pipes, and looking after it without ever waiting for what cannot end. */
import { dlopen, ptr } from 'bun:ffi';
import { closeSync } from 'node:fs';
import { callError, checkCall, terminated } from './system-call.ts';

const libc = dlopen('libc.so.6', {
  pipe2: { args: ['ptr', 'i32'], returns: 'i32' },
  poll: { args: ['ptr', 'u64', 'i32'], returns: 'i32' },
  posix_spawn: { args: ['ptr', 'ptr', 'ptr', 'ptr', 'ptr', 'ptr'], returns: 'i32' },
  posix_spawn_file_actions_adddup2: { args: ['ptr', 'i32', 'i32'], returns: 'i32' },
  posix_spawn_file_actions_destroy: { args: ['ptr'], returns: 'i32' },
  posix_spawn_file_actions_init: { args: ['ptr'], returns: 'i32' },
  posix_spawnattr_destroy: { args: ['ptr'], returns: 'i32' },
  posix_spawnattr_init: { args: ['ptr'], returns: 'i32' },
  posix_spawnattr_setflags: { args: ['ptr', 'i16'], returns: 'i32' },
  posix_spawnattr_setsigdefault: { args: ['ptr', 'ptr'], returns: 'i32' },
  posix_spawnattr_setsigmask: { args: ['ptr', 'ptr'], returns: 'i32' },
  waitpid: { args: ['i32', 'ptr', 'i32'], returns: 'i32' },
}).symbols;

/** @source glibc spawn.h, bits/types/__sigset_t.h: 336, 80 and 128 bytes on x86_64 and aarch64; the rest is reserve */
const bytesOf = { attributes: 512, fileActions: 256, signalSet: 128 } as const;
/** POSIX_SPAWN_… @source glibc spawn.h */
const spawnFlag = { defaultSignals: 0x04, signalMask: 0x08, ownSession: 0x80 } as const;
const O_CLOEXEC = 0o2000000;
const WNOHANG = 1;
/** A single word of the kernel's limit, MAX_ARG_STRLEN. @source linux/binfmts.h */
const mostWordBytes = 128 * 1024;

export type SpawnRequest = {
  /** A path. */
  readonly place: string;
  readonly argv: readonly string[];
  /** `NAME=value` */
  readonly environment: readonly string[];
  readonly folder: string | undefined;
  /** A session of its own, and these descriptors as standard input, output and error; else ours are inherited. */
  readonly pipes: readonly [input: number, output: number, error: number] | undefined;
};

/** Both ends of a new pipe. No program inherits them unless told. @throws KernelCallError. */
export function createPipe(): { readonly reader: number; readonly writer: number } {
  const ends = new Int32Array(2);
  // Why: Node and Bun give programs sockets, and no socket can be opened again as /dev/stderr.
  // Safe: the call fills two ints, and the array holds two.
  checkCall(libc.pipe2(ends, O_CLOEXEC), 'make a pipe');
  return { reader: ends[0], writer: ends[1] };
}

/** @returns the process id. @throws KernelCallError with the reason of exec. */
export function spawnProgram(request: SpawnRequest): number {
  const action = `run "${request.place}"`;
  const attributes = new Uint8Array(bytesOf.attributes);
  const fileActions = new Uint8Array(bytesOf.fileActions);
  const pid = new Int32Array(1);
  const place = terminated(request.place, 4096, 'the path of a program');
  const argv = pointerList(request.argv);
  const environment = pointerList(request.environment);
  // Why: spawn objects are the C library's own and must be made and unmade by it.
  // Safe: each array is larger than its structure, and zeroed.
  libc.posix_spawnattr_init(attributes);
  libc.posix_spawn_file_actions_init(fileActions);
  try {
    const flags = spawnFlag.defaultSignals | spawnFlag.signalMask | (request.pipes === undefined ? 0 : spawnFlag.ownSession);
    // Why: a program must not inherit that this runtime ignores SIGPIPE.
    // Safe: signal sets of 128 bytes, which the call copies.
    libc.posix_spawnattr_setsigdefault(attributes, new Uint8Array(bytesOf.signalSet).fill(0xff));
    libc.posix_spawnattr_setsigmask(attributes, new Uint8Array(bytesOf.signalSet));
    libc.posix_spawnattr_setflags(attributes, flags);
    for (const [target, fd] of (request.pipes ?? []).entries()) libc.posix_spawn_file_actions_adddup2(fileActions, fd, target);
    if (request.folder !== undefined) changeFolder(fileActions, request.folder);
    // Why: spawnSync waits as long as anything keeps the program's output open, and for ever for a program the kernel cannot kill.
    // Safe: NUL-terminated texts and null-terminated lists of them, all alive until the call returns.
    const error = libc.posix_spawn(pid, place, fileActions, attributes, argv.addresses, environment.addresses);
    keepAlive(argv, environment);
    if (error !== 0) throw callError(error, action, request.place, { ENOEXEC: 'it is no program for this machine' });
    return pid[0];
  } finally {
    libc.posix_spawnattr_destroy(attributes);
    libc.posix_spawn_file_actions_destroy(fileActions);
  }
}

/** How a program ended; `undefined` while it runs. Ask no more once it has ended. @source wait(2): the low seven bits are a signal, else bits 8 to 15 the status */
export function endOf(pid: number): number | undefined {
  const status = new Int32Array(1);
  // Why: only its parent learns how a program ended.
  // Safe: a child of ours that nobody else waits for; the call fills one int.
  const result = libc.waitpid(pid, status, WNOHANG);
  if (result === 0) return undefined;
  checkCall(result, `wait for process ${pid}`);
  const signal = status[0] & 0x7f;
  return signal === 0 ? (status[0] >> 8) & 0xff : 128 + signal;
}

/** @source asm-generic/poll.h */
export const pollEvent = { readable: 0x1, writable: 0x4 } as const;

export type PollEntry = { readonly fd: number; readonly events: number };

/** Sleeps until something can be done with one of the descriptors or the time is over. @returns what happened to each. */
export function pollDescriptors(entries: readonly PollEntry[], timeoutMs: number): readonly number[] {
  const list = new Uint8Array(Math.max(1, entries.length) * 8);
  const view = new DataView(list.buffer);
  for (const [index, { fd, events }] of entries.entries()) {
    view.setInt32(index * 8, fd, true);
    view.setInt16(index * 8 + 4, events, true);
  }
  // Why: several pipes are to be served, and none may block us.
  // Safe: struct pollfd has 8 bytes (fd, events, revents), and the list as many of them as the count says.
  const result = libc.poll(list, entries.length, Math.max(0, Math.min(timeoutMs, 1000)));
  return entries.map((_, index) => (result > 0 ? view.getInt16(index * 8 + 6, true) : 0));
}

/** Closes what may be closed already. */
export function closeQuietly(fd: number): void {
  try {
    closeSync(fd);
  } catch {}
}

type PointerList = { readonly addresses: BigUint64Array; readonly texts: readonly Uint8Array[] };

function pointerList(words: readonly string[]): PointerList {
  const texts = words.map((word) => terminated(word, mostWordBytes, 'a word for a program'));
  const addresses = new BigUint64Array(texts.length + 1);
  // Why: the C library takes lists of addresses.
  // Safe: the texts are returned with the list, and the last entry is null.
  for (const [index, text] of texts.entries()) addresses[index] = BigInt(ptr(text));
  return { addresses, texts };
}

/** The texts of a list are reached by address alone; this mention of them after the call is what keeps them. */
function keepAlive(...lists: readonly PointerList[]): void {
  for (const { texts } of lists) if (texts.some((text) => text.length === 0)) throw new RangeError('A text of a list was given away');
}

/** Since glibc 2.29, so it is looked up only when it is needed. */
function changeFolder(fileActions: Uint8Array, folder: string): void {
  const text = terminated(folder, 4096, 'a folder');
  const { symbols } = dlopen('libc.so.6', { posix_spawn_file_actions_addchdir_np: { args: ['ptr', 'ptr'], returns: 'i32' } });
  // Why: a program may be wanted in another folder than ours, which is one for all threads.
  // Safe: a spawn object and a NUL-terminated text, which the call copies.
  symbols.posix_spawn_file_actions_addchdir_np(fileActions, text);
}
