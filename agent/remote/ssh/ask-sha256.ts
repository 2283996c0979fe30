/** The checksum of a file as the server's own `sha256sum` finds it, where it lets us run that. */
import { GiB } from '../../binary/units.ts';
import type { SshSession } from '../../sys/network-interface.ts';
import { whileAlive } from './while-alive.ts';

/** A slow disk on a busy server. */
const secondsPerGiB = 60;
const leastMs = 60_000;
/** The size is what the server says it is; a checksum is worth no longer wait than this. */
const mostMs = 3600_000;

/**
 * @param onBeat called now and then; a server that goes mute ends the connection.
 * @returns lower-case hexadecimal; `undefined`: it cannot be had, or not within a minute a GiB, and an hour at most.
 */
export async function askSha256(session: SshSession, path: string, onBeat: () => void): Promise<string | undefined> {
  const status = await session.status(path);
  if (status?.kind !== 'file') return undefined;
  const limitMs = Math.min(mostMs, leastMs + (status.sizeBytes / GiB) * secondsPerGiB * 1000);
  const result = await whileAlive(onBeat, session.run(['sha256sum', path], limitMs));
  // A backslash stands before the sum when there is one in the name.
  return result?.status === 0 ? /^\\?([0-9a-f]{64}) /.exec(result.stdout)?.[1] : undefined;
}
