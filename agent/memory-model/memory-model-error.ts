/** Why the struct pages of the crashed kernel cannot be used. */
import { type ErrorDetails, KcaptureError } from '../errors.ts';

/**
 * Codes: `memory-model/unreadable` (keys missing, or the tables they lead to make no sense), `memory-model/unsupported` (a
 * memory model that no x86_64 or aarch64 kernel since 3.10 has).
 */
export class MemoryModelError extends KcaptureError {}

const hint = 'Dump with -d 1 or -d 0: they keep every page and need no struct pages';

/** What is wrong, with the way to a dump that needs no struct pages. */
export function unreadable(message: string, details: ErrorDetails = {}): MemoryModelError {
  return new MemoryModelError('memory-model/unreadable', message, { hint, ...details });
}

export function unsupported(message: string): MemoryModelError {
  return new MemoryModelError('memory-model/unsupported', message, { hint });
}
