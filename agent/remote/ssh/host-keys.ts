/** The keys a server shows, to be compared and pinned when a target is added. They are not trusted for anything here. */
import type { SshPlace } from '../../config/remote-place.ts';
import { formatRemoteUrl } from '../../config/remote-url.ts';
import { KcaptureError } from '../../errors.ts';
import type { Network } from '../../sys/network-interface.ts';
import { remoteErrorFrom } from '../retry.ts';
import { RemoteError, type RemoteLimits } from '../remote-store.ts';
import { makeKeyPair } from './key-pair.ts';

/** One question each: a server shows one key a connection. The preferred first. */
const kinds = ['ssh-ed25519', 'ecdsa-sha2-nistp256', 'ecdsa-sha2-nistp384', 'ecdsa-sha2-nistp521', 'ssh-rsa'] as const;

/**
 * @returns `ssh-ed25519 AAAA…`, one a kind of key the server has.
 * @throws RemoteError `remote/unreachable`, …; `remote/unsupported`: it has no key of a kind we know.
 */
export async function fetchHostKeys(network: Network, place: SshPlace, { connectMs, stallMs }: RemoteLimits): Promise<string[]> {
  const { host, port, user } = place;
  const where = formatRemoteUrl(place);
  const keys: string[] = [];
  // Never shown: the connection ends before it comes to that.
  const { privateKey } = makeKeyPair('');
  for (const kind of kinds) {
    const trust = (key: string) => {
      keys.push(key);
      return false;
    };
    try {
      (await network.ssh({ host, port, user, privateKey, trust, hostKeyTypes: [kind], connectMs, stallMs })).end();
    } catch (error) {
      if (!(error instanceof KcaptureError) || error.code !== 'network/host-key') throw remoteErrorFrom(error, where);
    }
  }
  if (keys.length > 0) return keys;
  throw new RemoteError('remote/unsupported', `Cannot use ${where}: it has no host key of a kind that is known`, { where });
}
