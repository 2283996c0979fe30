/** How long a server may take, and how much memory waits for it. */
import { MiB } from '../../binary/units.ts';
import type { RemoteLimits } from '../../remote/remote-store.ts';

/** A server that restarts is back within this. */
export const defaultRetrySeconds = 300;

/** @param retrySeconds of one call, all attempts and the waits between them. */
export function remoteLimits(retrySeconds = defaultRetrySeconds): RemoteLimits {
  return { connectMs: 15_000, stallMs: 60_000, retryMs: retrySeconds * 1000, bufferBytes: 16 * MiB };
}
