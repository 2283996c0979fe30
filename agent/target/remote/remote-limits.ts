/** How long a server may take, and how much memory waits for it. */
import { MiB } from '../../binary/units.ts';
import type { Configuration } from '../../config/configuration.ts';
import { defaultConfiguration } from '../../config/defaults.ts';
import type { RemoteLimits } from '../../remote/remote-store.ts';

/** An upload to S3 then takes 125 MB of a capture kernel in all (measured). */
export const remoteBufferBytes = 20 * MiB;

/** Of one call; `retryMs`: all attempts and the waits between them. */
export function remoteLimits({
  stallLimitSeconds,
  retryLimitSeconds,
}: Pick<Configuration, 'stallLimitSeconds' | 'retryLimitSeconds'> = defaultConfiguration): RemoteLimits {
  return { connectMs: 15_000, stallMs: stallLimitSeconds * 1000, retryMs: retryLimitSeconds * 1000, bufferBytes: remoteBufferBytes };
}
