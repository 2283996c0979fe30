/** Numbers of the system calls that the C library has no function for. */
import { KernelCallError } from './kernel-error.ts';

/** @source asm/unistd_64.h (x86_64), asm-generic/unistd.h (aarch64) */
const numbers = {
  x64: { finitModule: 313, kexecFileLoad: 320 },
  arm64: { finitModule: 273, kexecFileLoad: 294 },
} as const;

/** @throws KernelCallError `kernel/enosys` on another architecture. */
export function callNumber(name: 'finitModule' | 'kexecFileLoad'): number {
  const { arch } = process;
  if (arch === 'x64' || arch === 'arm64') return numbers[arch][name];
  throw new KernelCallError('ENOSYS', `Cannot make a system call on ${arch}: expected x64 or arm64`);
}
