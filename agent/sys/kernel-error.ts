/** What the kernel answered when it refused a call. */
import { constants } from 'node:os';
import { KcaptureError } from '../errors.ts';

/** A call the kernel refused. Codes: `kernel/<errno name in lower case>`, or `kernel/unavailable` where the call cannot be made at all. */
export class KernelCallError extends KcaptureError {
  /** Its name, e.g. `EBUSY`; empty when the call was never made. */
  readonly errno: string;

  constructor(errno: string, message: string, details: { where?: string; hint?: string; cause?: unknown } = {}) {
    super(`kernel/${errno === '' ? 'unavailable' : errno.toLowerCase()}`, message, details);
    this.errno = errno;
  }
}

/** Those that loading kernels and modules gives and that Node does not name. @source asm-generic/errno.h */
const loadErrors: Readonly<Record<number, string>> = {
  65: 'ENOPKG',
  80: 'ELIBBAD',
  126: 'ENOKEY',
  127: 'EKEYEXPIRED',
  128: 'EKEYREVOKED',
  129: 'EKEYREJECTED',
};

/** Name of an errno number; `E<number>` when it has none here. */
export function errnoName(errno: number): string {
  const name = Object.entries(constants.errno).find(([, value]) => value === errno)?.[0];
  return name ?? loadErrors[errno] ?? `E${errno}`;
}
