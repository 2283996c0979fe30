/**
 * The few calls of the C library that neither Node nor Bun offers. Lengths and addresses are checked here, before native code.
 */
import { dlopen, FFIType, type Pointer, ptr, read } from 'bun:ffi';
import { encodeText } from '../binary/text.ts';
import { KcaptureError } from '../errors.ts';

/** A native library that cannot be used. Code: `sys/native`. */
export class NativeError extends KcaptureError {}

const libc = dlopen('libc.so.6', {
  __errno_location: { args: [], returns: 'ptr' },
  dlerror: { args: [], returns: 'cstring' },
  dlopen: { args: ['ptr', 'i32'], returns: 'ptr' },
  memfd_create: { args: ['ptr', 'u32'], returns: 'i32' },
  mmap: { args: ['usize', 'usize', 'i32', 'i32', 'i32', 'i64'], returns: FFIType.i64_fast },
  munmap: { args: ['usize', 'usize'], returns: 'i32' },
  poll: { args: ['ptr', 'u64', 'i32'], returns: 'i32' },
  sync_file_range: { args: ['i32', 'i64', 'i64', 'u32'], returns: 'i32' },
  sysconf: { args: ['i32'], returns: FFIType.i64_fast },
}).symbols;

/** @source asm-generic/mman-common.h, mman.h: the same on x86_64 and aarch64 */
export const mapping = {
  read: 1,
  write: 2,
  shared: 0x01,
  private: 0x02,
  fixed: 0x10,
  anonymous: 0x20,
  noReserve: 0x4000,
} as const;

/** No address of a process lies higher. @source Linux user address space: at most 56 bits on x86_64, 52 on aarch64 */
const endOfAddresses = 2 ** 56;

/** Bytes of a page of this machine, which need not be that of the crashed one. */
export function systemPageSize(): number {
  // Why: mappings start at page boundaries, and an aarch64 page has 4, 16 or 64 KiB.
  // Safe: no pointer goes in or out; _SC_PAGESIZE is 30 on Linux.
  const size = Number(libc.sysconf(30));
  if (size >= 4096 && size <= 1024 * 1024 && Number.isInteger(Math.log2(size))) return size;
  throw new NativeError('sys/native', `Cannot use a page size of ${size} bytes`);
}

/** What to map where; `address` 0 lets the system choose. */
export type MapRequest = {
  readonly address: number;
  readonly length: number;
  readonly protection: number;
  readonly flags: number;
  readonly fd: number;
  readonly offset: number;
};

/**
 * @returns the address, or `undefined` when the system refuses.
 * @throws NativeError `sys/native` when the request makes no sense.
 */
export function mapMemory(request: MapRequest): number | undefined {
  const { address, length, protection, flags, fd, offset } = request;
  const sane = isCount(address) && isCount(length) && isCount(offset) && length > 0 && address + length < endOfAddresses;
  if (!sane) throw new NativeError('sys/native', `Cannot map ${length} bytes at ${address}, file offset ${offset}`);
  // Why: the memory of the crashed kernel is read without copying it, through windows that move over one address range.
  // Safe: the kernel chooses the address, or it is a range this process reserved with the same call and never gave back.
  const result = Number(libc.mmap(address, length, protection, flags, fd, offset));
  return result > 0 && result < endOfAddresses ? result : undefined;
}

/** Gives back a mapping that no array looks at. */
export function unmapMemory(address: number, length: number): void {
  // Why: a mapping that was only made to see whether it is allowed goes away again.
  // Safe: the caller got exactly this range from mapMemory and made no array of it.
  libc.munmap(address, length);
}

/**
 * A file in memory, without a name in any file system.
 *
 * @returns its descriptor. @throws NativeError `sys/native`.
 */
export function createMemoryFile(name: string): number {
  const text = encodeText(`${name}\0`);
  // Why: a library travels inside the executable and must be a file to be loaded, where no file system may be writable.
  // Safe: the name is NUL-terminated and lives until the call returns; 1 is MFD_CLOEXEC.
  const fd = libc.memfd_create(ptr(text), 1);
  if (fd >= 0) return fd;
  throw new NativeError('sys/native', `Cannot make a file in memory for "${name}": error ${errno()}`);
}

/**
 * Loads a library so that those loaded later find its symbols.
 *
 * @throws NativeError `sys/native` with the loader's own words.
 */
export function loadGlobally(path: string): void {
  const text = encodeText(`${path}\0`);
  // Why: snappy needs the C++ runtime, which is found by name only when it is loaded already with global symbols.
  // Safe: the path is NUL-terminated and lives until the call returns; 0x102 is RTLD_NOW | RTLD_GLOBAL.
  if (libc.dlopen(ptr(text), 0x102) !== null) return;
  throw new NativeError('sys/native', `Cannot load "${path}": ${String(libc.dlerror())}`);
}

/** Begins to write to the disk what was written to a file, and does not wait for it. What goes wrong there, fsync(2) tells. */
export function startWriteback(fd: number): void {
  // Why: the kernel begins seconds later by itself, and fsync(2) then waits for all of it.
  // Safe: any descriptor and range is allowed; 0 to 0 is the whole file, and 2 is SYNC_FILE_RANGE_WRITE.
  libc.sync_file_range(fd, 0, 0, 2);
}

/** Sleeps until `fd` takes bytes, its reader has gone, or a second has passed. */
export function waitUntilWritable(fd: number): void {
  const request = new Int32Array([fd, 0x4]);
  // Why: a full pipe in non-blocking mode is to be waited for without burning the processor.
  // Safe: one struct pollfd of 8 bytes (fd, events = POLLOUT, revents), alive until the call returns.
  libc.poll(ptr(request), 1, 1000);
}

function isCount(value: number): boolean {
  return Number.isSafeInteger(value) && value >= 0;
}

/** The reason of the last failed call of this thread. */
export function errno(): number {
  // Why: the C library leaves the reason of a failure there.
  // Safe: the address is the C library's own, valid as long as this thread lives.
  const location = libc.__errno_location() as Pointer | null;
  return location === null ? 0 : read.i32(location);
}
