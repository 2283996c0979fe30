/** Opening files for calls that take descriptors; a failure is a `KernelCallError` as that of the call itself would be. */
import { closeSync, openSync } from 'node:fs';
import { codeOf, reasonOf } from './errno.ts';
import { KernelCallError } from './kernel-error.ts';

/** @param action what follows "Cannot". @throws KernelCallError. */
export function openForCall(path: string, flags: number, action: string): number {
  try {
    return openSync(path, flags);
  } catch (cause) {
    const reason = action.includes(path) ? reasonOf(cause) : `"${path}": ${reasonOf(cause)}`;
    throw new KernelCallError(codeOf(cause) || 'EIO', `Cannot ${action}: ${reason}`, { where: path, cause });
  }
}

/** Opens, hands the descriptor on, and closes. */
export function withDescriptor<T>(path: string, flags: number, action: string, use: (fd: number) => T): T {
  const fd = openForCall(path, flags, action);
  try {
    return use(fd);
  } finally {
    closeSync(fd);
  }
}
