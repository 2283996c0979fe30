/** Calls of the C library that change the machine, and how their failures become errors. Every text and length is checked before native code sees it. */
import { dlopen } from 'bun:ffi';
import { encodeText } from '../binary/text.ts';
import { KernelCallError, errnoName } from './kernel-error.ts';
import { errno } from './libc.ts';

export const systemLibc = dlopen('libc.so.6', {
  mount: { args: ['ptr', 'ptr', 'ptr', 'u64', 'ptr'], returns: 'i32' },
  posix_fadvise: { args: ['i32', 'i64', 'i64', 'i32'], returns: 'i32' },
  reboot: { args: ['u32'], returns: 'i32' },
  strerror: { args: ['i32'], returns: 'cstring' },
  sync: { args: [], returns: 'void' },
  syncfs: { args: ['i32'], returns: 'i32' },
  umount2: { args: ['ptr', 'i32'], returns: 'i32' },
}).symbols;

/** One function, declared once for each kind of argument. */
const ioctlOfArray = dlopen('libc.so.6', { ioctl: { args: ['i32', 'u64', 'ptr'], returns: 'i32' } }).symbols.ioctl;
const ioctlOfNumber = dlopen('libc.so.6', { ioctl: { args: ['i32', 'u64', 'u64'], returns: 'i32' } }).symbols.ioctl;

/** Words for what an errno name means for one call. */
export type Reasons = Readonly<Record<string, string>>;

/**
 * @param action what follows "Cannot" in the message.
 * @returns `result` unless it says that the call failed.
 * @throws KernelCallError with the name of errno.
 */
export function checkCall(result: number | bigint, action: string, where?: string, reasons?: Reasons): number {
  if (result >= 0) return Number(result);
  throw callError(errno(), action, where, reasons);
}

/** The error for an errno number. */
export function callError(number: number, action: string, where?: string, reasons: Reasons = {}): KernelCallError {
  const name = errnoName(number);
  return new KernelCallError(name, `Cannot ${action}: ${reasons[name] ?? generalReason(number)} (${name})`, { where });
}

function generalReason(number: number): string {
  // Why: the C library has a sentence for every number.
  // Safe: any number is allowed; the text is copied before the next call.
  const words = String(systemLibc.strerror(number));
  return words.charAt(0).toLowerCase() + words.slice(1);
}

/**
 * A NUL-terminated copy of a text; the caller keeps it until its call has returned.
 *
 * @throws KernelCallError `kernel/einval` when it holds a NUL or is longer than `maxBytes`, its end included.
 */
export function terminated(text: string, maxBytes: number, what: string): Uint8Array {
  const bytes = encodeText(`${text}\0`);
  if (bytes.indexOf(0) === bytes.length - 1 && bytes.length <= maxBytes) return bytes;
  throw new KernelCallError('EINVAL', `Cannot use ${bytes.length} bytes as ${what}: at most ${maxBytes} without a NUL are allowed`);
}

/** ioctl(2) with a structure that the kernel reads or fills. */
export function ioctlWith(fd: number, request: number, argument: Uint8Array | Int32Array | BigUint64Array): number {
  // Why: devices are told what to do by ioctl alone.
  // Safe: every caller passes an array of the size its request's structure has; it lives until the call returns.
  return ioctlOfArray(fd, request, argument);
}

/** ioctl(2) with a number. */
export function ioctl(fd: number, request: number, argument: number): number {
  // Why: as above.
  // Safe: these requests take a number; nothing is read from memory.
  return ioctlOfNumber(fd, request, argument);
}
