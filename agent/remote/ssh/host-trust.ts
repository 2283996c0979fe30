/** Whether a server is the one that was meant: its key is one of those pinned. Never on first use. */
import type { SshPlace } from '../../config/remote-place.ts';
import { RemoteError } from '../remote-store.ts';
import { findPinnedKeys, hostKeyFingerprint } from './known-hosts.ts';

export type HostTrust = {
  /** Kinds of the pinned keys. */
  readonly hostKeyTypes: readonly string[];
  readonly trust: (hostKey: string) => boolean;
  /** Of a server that was not trusted: which key it showed, and which was expected. */
  readonly explain: (error: unknown) => unknown;
};

/** @param where the place, as a URL. @throws RemoteError `remote/untrusted`: nothing is pinned for it. */
export function requireTrust(knownHosts: string | undefined, { host, port }: SshPlace, where: string): HostTrust {
  const { trusted, revoked } = findPinnedKeys(knownHosts ?? '', host, port);
  if (trusted.length === 0) {
    const found = revoked.length > 0 ? 'all its keys are revoked' : 'no host key is pinned for it';
    throw new RemoteError('remote/untrusted', `Cannot trust ${where}: ${found}`, {
      where,
      hint: `Compare and pin its key on the healthy machine: kcapture target add ${where}`,
    });
  }
  let shown: string | undefined;
  return {
    hostKeyTypes: [...new Set(trusted.map((key) => key.split(' ')[0] ?? ''))],
    trust(hostKey) {
      shown = hostKey;
      return trusted.includes(hostKey);
    },
    explain(error) {
      if (!(error instanceof RemoteError) || error.code !== 'remote/untrusted' || shown === undefined || trusted.includes(shown))
        return error;
      const found = `it shows the ${revoked.includes(shown) ? 'revoked ' : ''}host key ${named(shown)}`;
      return new RemoteError('remote/untrusted', `Cannot trust ${where}: ${found}, expected ${trusted.map(named).join(' or ')}`, {
        where,
        hint: `Only when the server was installed anew: compare its key and pin it with kcapture target add ${where}`,
      });
    },
  };
}

/** `ssh-ed25519 SHA256:…`; the kind has passed through the server's own mouth. */
function named(key: string): string {
  const type = key.split(' ')[0] ?? '';
  return `${/^[a-z0-9@.-]{1,64}$/.test(type) ? type : 'of unknown kind'} ${hostKeyFingerprint(key)}`;
}
