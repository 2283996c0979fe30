/**
 * What an ssh target needs on this machine: a key of its own that the server lets in, and the server's host key, pinned.
 *
 * The host key is shown and somebody says that it is the right one: here, where it can be compared, never after a crash.
 */
import type { SshPlace } from '../../config/remote-place.ts';
import { credentialFiles } from '../../config/credentials.ts';
import { makeKeyPair } from '../../remote/ssh/key-pair.ts';
import { findPinnedKeys, formatKnownHosts, hostKeyFingerprint } from '../../remote/ssh/known-hosts.ts';
import { publicKeyOf } from '../../sys/ssh-public-key.ts';
import type { System } from '../../sys/system.ts';
import { putCredential } from './credentials-folder.ts';
import { TargetSetUpError } from './target-set-up-error.ts';

export type PreparedKey = { /** One line. */ readonly publicKey: string; readonly isNew: boolean };

/**
 * The key in the folder, or a new one, or a copy of one that is given.
 * @throws TargetSetUpError `target-set-up/key`: it cannot be read, or asks for a passphrase.
 */
export async function preparePrivateKey(system: System, folder: string, given: string | undefined): Promise<PreparedKey> {
  const path = given ?? `${folder}/${credentialFiles.privateKey}`;
  const text = system.files.readTextIfThere(path, 64 * 1024);
  if (text === undefined && given === undefined) return newKey(system, folder);
  const publicKey = text === undefined ? undefined : await publicKeyOf(text);
  if (text === undefined || publicKey === undefined) {
    throw new TargetSetUpError(
      'target-set-up/key',
      `Cannot use "${path}": expected a private key in OpenSSH's format, without a passphrase`,
      {
        where: path,
        hint: given === undefined ? `Take it away, and a new one is made: rm ${path}` : 'Leave out --key, and a new one is made',
      },
    );
  }
  const named = `${publicKey} ${comment(system)}`;
  if (given !== undefined) {
    putCredential(system, folder, 'privateKey', text);
    putCredential(system, folder, 'publicKey', `${named}\n`);
  }
  return { publicKey: named, isNew: false };
}

function newKey(system: System, folder: string): PreparedKey {
  const { privateKey, publicKey } = makeKeyPair(comment(system));
  putCredential(system, folder, 'privateKey', privateKey);
  putCredential(system, folder, 'publicKey', publicKey);
  return { publicKey: publicKey.trim(), isNew: true };
}

function comment({ kernel }: System): string {
  return `kcapture@${kernel.utsname().host.replace(/[^\w.-]/g, '_')}`;
}

/** What goes into `authorized_keys` on the server: no shell, no forwarding, files alone. @source sshd(8), AUTHORIZED_KEYS FILE FORMAT */
export function authorizedLine(publicKey: string): string {
  return `restrict,command="internal-sftp" ${publicKey}`;
}

export type HostKeyDecision = {
  /** `SHA256:…` given by the one who set the server up. */
  readonly expected: string | undefined;
  /** Trust what is shown now. */
  readonly accept: boolean;
  /** Keys that root trusts already. */
  readonly known: readonly string[];
  /** Asks a person; `undefined`: nobody is there. */
  readonly ask: ((fingerprints: readonly string[]) => boolean) | undefined;
};

/**
 * Pins those of the keys that the server shows of which somebody says that they are right.
 * @param shown `ssh-ed25519 AAAA…`, at least one.
 * @returns the fingerprints of the pinned ones, and whether that is new.
 * @throws TargetSetUpError `target-set-up/host-key`
 */
export function pinHostKeys(
  system: System,
  folder: string,
  place: SshPlace,
  shown: readonly string[],
  decision: HostKeyDecision,
): { readonly fingerprints: readonly string[]; readonly isNew: boolean } {
  const path = `${folder}/${credentialFiles.knownHosts}`;
  const { trusted: pinned, revoked } = findPinnedKeys(system.files.readTextIfThere(path) ?? '', place.host, place.port);
  const usable = shown.filter((key) => !revoked.includes(key));
  const alreadyPinned = usable.filter((key) => pinned.includes(key));
  if (decision.expected === undefined && alreadyPinned.length > 0)
    return { fingerprints: alreadyPinned.map(hostKeyFingerprint), isNew: false };
  const chosen = choose(place, usable, pinned, decision);
  putCredential(system, folder, 'knownHosts', formatKnownHosts(place.host, place.port, chosen));
  return { fingerprints: chosen.map(hostKeyFingerprint), isNew: true };
}

function choose(place: SshPlace, shown: readonly string[], pinned: readonly string[], decision: HostKeyDecision): readonly string[] {
  const { expected, accept, known, ask } = decision;
  const fingerprints = shown.map(hostKeyFingerprint);
  if (expected !== undefined) {
    const right = shown.filter((key) => hostKeyFingerprint(key) === expected);
    if (right.length === 0) throw wrongKey(place, fingerprints, expected);
    return right;
  }
  if (pinned.length > 0) throw wrongKey(place, fingerprints, `the pinned ${pinned.map(hostKeyFingerprint).join(' or ')}`);
  const byRoot = shown.filter((key) => known.includes(key));
  if (byRoot.length > 0) return byRoot;
  if (accept || ask?.(fingerprints) === true) return shown;
  throw new TargetSetUpError(
    'target-set-up/host-key',
    `Cannot pin the host key of ${place.host}: nobody said that ${fingerprints.join(' or ')} is the right one`,
    {
      hint: `Compare it on the server, ssh-keygen -lf /etc/ssh/ssh_host_ed25519_key.pub; then give it: --host-key ${fingerprints[0] ?? 'SHA256:…'}`,
    },
  );
}

function wrongKey({ host }: SshPlace, shown: readonly string[], expected: string): TargetSetUpError {
  return new TargetSetUpError(
    'target-set-up/host-key',
    `Cannot trust ${host}: it shows the host key ${shown.join(' and ')}, expected ${expected}`,
    {
      hint: 'Somebody may stand between; when the server was set up anew, compare its key there and give it by --host-key SHA256:…',
    },
  );
}
