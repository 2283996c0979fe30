/** Which failures of a connection to an ssh server may pass. */
import { KcaptureError } from '../../errors.ts';

const passing = new Set(['network/unreachable', 'network/name', 'network/stalled', 'network/broken']);

/** Another connection may do better. */
export function mayPass(error: unknown): boolean {
  return error instanceof KcaptureError && passing.has(error.code);
}

/** The server does not let us in. */
export function isRefusal(error: unknown): boolean {
  return error instanceof KcaptureError && error.code === 'network/auth';
}
