/**
 * Tries again what may yet succeed, with growing pauses, within the limit of the context; and what went wrong between us and a server as a
 * RemoteError.
 */
import { setTimeout as delay } from 'node:timers/promises';
import { KcaptureError } from '../errors.ts';
import { type RemoteContext, RemoteError } from './remote-store.ts';

export type RetryContext = Pick<RemoteContext, 'place' | 'limits' | 'onNote'>;

/** Before the second attempt; doubled before each one after. */
const firstPauseMs = 500;
const longestPauseMs = 15_000;
const retried = new Set(['remote/unreachable', 'remote/broken', 'remote/stalled', 'remote/server']);

/** Failures of connections and of files on servers. */
const codes: Readonly<Record<string, string>> = {
  'network/unreachable': 'remote/unreachable',
  'network/name': 'remote/unreachable',
  'network/certificate': 'remote/untrusted',
  'network/host-key': 'remote/untrusted',
  'network/auth': 'remote/auth',
  'network/stalled': 'remote/stalled',
  'network/broken': 'remote/broken',
  'network/protocol': 'remote/unsupported',
  'network/limit': 'remote/unsupported',
  'ssh/missing': 'remote/missing',
  'ssh/permission': 'remote/forbidden',
  'ssh/no-space': 'remote/no-space',
  'ssh/exists': 'remote/server',
  'ssh/failure': 'remote/server',
};

/** @param where a URL without secrets. @throws `failure` itself, when it is none of the network's: a fault of ours is not to be tried again. */
export function remoteErrorFrom(failure: unknown, where: string): RemoteError {
  if (failure instanceof RemoteError) return failure;
  const code = failure instanceof KcaptureError ? codes[failure.code] : undefined;
  if (code === undefined || !(failure instanceof KcaptureError)) throw failure;
  return new RemoteError(code, failure.message, { where, hint: failure.hint, cause: failure });
}

function mayBeRetried(error: RemoteError): boolean {
  return retried.has(error.code);
}

/**
 * Calls `attempt` until it succeeds, fails for good, or `limits.retryMs` are over, and always once.
 * @param what as it follows "Cannot", for the log.
 * @param attempt its signal fires when the time is over, which is never before a single attempt's own limits.
 * @throws RemoteError the last one; what `attempt` throws that has nothing to do with the network.
 */
export async function retrying<T>(context: RetryContext, what: string, attempt: (signal: AbortSignal) => Promise<T>): Promise<T> {
  const { retryMs, connectMs, stallMs } = context.limits;
  const endsAt = performance.now() + retryMs;
  const over = AbortSignal.timeout(Math.min(Math.ceil(Math.max(retryMs, connectMs + stallMs)), 2 ** 31 - 1));
  for (let pauseMs = firstPauseMs; ; pauseMs = Math.min(2 * pauseMs, longestPauseMs)) {
    try {
      return await attempt(over);
    } catch (cause) {
      const error = remoteErrorFrom(cause, placeOf(context));
      if (!mayBeRetried(error) || performance.now() + pauseMs >= endsAt) throw error;
      context.onNote(`Cannot ${what}: ${error.message}; trying again in ${pauseMs / 1000} s`);
      await delay(pauseMs);
    }
  }
}

function placeOf({ place }: RetryContext): string {
  return place.kind === 's3' ? `s3://${place.bucket}/${place.prefix}` : `${place.kind}://${place.host}:${place.port}`;
}
