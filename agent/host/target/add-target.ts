/**
 * Makes a target on the network usable: the folder of its credentials, what proves who we are, what proves who the server is. Run again it changes what is
 * given anew and keeps the rest.
 *
 * Comes in: a URL's place and what was said on the command line. Goes out: what was done, and what somebody must do on the server.
 */
import { credentialsFolder } from '../../config/credential-files.ts';
import type { HttpPlace, S3Place, SshPlace } from '../../config/remote-place.ts';
import { readInstanceCredentials } from '../../remote/s3/instance-metadata.ts';
import { fetchHostKeys } from '../../remote/ssh/host-keys.ts';
import { findPinnedKeys } from '../../remote/ssh/known-hosts.ts';
import type { System } from '../../sys/system.ts';
import { ask, isTerminal } from './ask.ts';
import { makeCredentialsFolder } from './credentials-folder.ts';
import { findCredentials } from './find-credentials.ts';
import type { NetworkWish } from './read-target-url.ts';
import { authorizedLine, pinHostKeys, preparePrivateKey } from './set-up-ssh.ts';
import { type CertificateWish, putCertificates, putSecret, readSecret, type SecretWish } from './set-up-web.ts';
import { TargetSetUpError } from './target-set-up-error.ts';

export type AddWish = SecretWish &
  CertificateWish & {
    /** A private key to use instead of a new one. */
    readonly key?: string;
    /** `SHA256:…` */
    readonly hostKey?: string;
    readonly acceptHostKey?: true;
    /** Borrow a key from the cloud that the machine runs in. */
    readonly instanceMetadata?: true;
  };

export type Added = {
  /** `undefined`: an export needs no credentials. */
  readonly folder: string | undefined;
  /** Sentences without full stops. */
  readonly done: readonly string[];
  /** For `authorized_keys` on the server. */
  readonly authorizedLine?: string;
  readonly hostKeys?: readonly string[];
};

const limits = { connectMs: 10_000, stallMs: 15_000, retryMs: 6000, bufferBytes: 0 } as const;

/** @throws TargetSetUpError with any of its codes; RemoteError when an ssh server cannot be reached; FilesError. */
export async function addTarget(system: System, wish: NetworkWish, options: AddWish): Promise<Added> {
  if (wish.kind === 'nfs')
    return { folder: undefined, done: ['an NFS server knows this machine by its address: there is nothing to keep'] };
  refuseForeign(wish.place.kind, options);
  const folder = credentialsFolder(wish.place);
  makeCredentialsFolder(system, folder);
  return wish.place.kind === 'ssh' ? addSsh(system, wish.place, folder, options) : addWeb(system, wish.place, folder, options);
}

/** An option that would be passed over in silence is a mistake somebody should hear of. */
function refuseForeign(kind: 'ssh' | 'http' | 's3', options: AddWish): void {
  const fit: Readonly<Record<typeof kind, readonly (keyof AddWish)[]>> = {
    ssh: ['key', 'hostKey', 'acceptHostKey'],
    http: ['user', 'passwordFile', 'tokenFile', 'ca', 'clientCert', 'clientKey'],
    s3: ['accessKeyFile', 'profile', 'instanceMetadata', 'ca'],
  };
  const foreign = (Object.keys(options) as (keyof AddWish)[]).find((name) => options[name] !== undefined && !fit[kind].includes(name));
  if (foreign === undefined) return;
  const flag = foreign.replace(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`);
  const known = fit[kind].map((name) => `--${name.replace(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`)}`).join(', ');
  throw new TargetSetUpError('target-set-up/kind', `Cannot use --${flag} for a target of kind ${kind}: expected ${known}`);
}

async function addSsh(system: System, place: SshPlace, folder: string, options: AddWish): Promise<Added> {
  const key = await preparePrivateKey(system, folder, options.key);
  const knownHosts = findCredentials(system, place, undefined).paths.knownHosts;
  const known = findPinnedKeys(knownHosts === undefined ? '' : (system.files.readTextIfThere(knownHosts) ?? ''), place.host, place.port);
  const pinned = pinHostKeys(system, folder, place, await fetchHostKeys(system.network, place, limits), {
    expected: options.hostKey,
    accept: options.acceptHostKey === true,
    known: known.trusted,
    ask: isTerminal(system) ? (fingerprints) => confirm(system, place, fingerprints) : undefined,
  });
  const shown = pinned.fingerprints.join(' and ');
  return {
    folder,
    done: [key.isNew ? 'made a key of its own' : 'keeps its key', `${pinned.isNew ? 'pinned' : 'keeps'} the host key ${shown}`],
    authorizedLine: authorizedLine(key.publicKey),
    hostKeys: pinned.fingerprints,
  };
}

function confirm(system: System, { host }: SshPlace, fingerprints: readonly string[]): boolean {
  system.printError(
    `${host} shows the host key ${fingerprints.join('\n  and ')}\nCompare it there: for f in /etc/ssh/ssh_host_*_key.pub; do ssh-keygen -lf $f; done\n`,
  );
  return /^y(es)?$/i.test(ask(system, 'Is it the same? Type "yes" to pin it: ').trim());
}

async function addWeb(system: System, place: HttpPlace | S3Place, folder: string, options: AddWish): Promise<Added> {
  putCertificates(system, folder, options);
  const isThere = findCredentials(system, place, undefined).paths.secret !== undefined;
  const isAsked = Object.values(options).every((value) => value === undefined) && !isThere;
  const secret =
    options.instanceMetadata === true
      ? await readInstanceCredentials(system.network)
      : readSecret(system, place, options, isTerminal(system) && (isAsked || options.user !== undefined));
  if (secret !== undefined) putSecret(system, folder, secret);
  if (secret === undefined && !isThere && place.kind === 's3') {
    throw new TargetSetUpError('target-set-up/secret', 'Cannot set up an S3 target without an access key', {
      hint: 'Give it on standard input, the id on one line and the secret on the next: --access-key-file -; or --instance-metadata',
    });
  }
  const certificates = [options.ca && 'the authority', options.clientCert && 'the client certificate'].filter((one) => one !== undefined);
  return {
    folder,
    done: [
      ...certificates.map((what) => `keeps ${what}`),
      secret !== undefined
        ? `keeps ${kinds[secret.kind]}`
        : isThere
          ? 'kept the secret'
          : 'no secret: the server must let this machine write without one',
    ],
  };
}

const kinds = { basic: 'user and password', bearer: 'a token', s3: 'an access key' } as const;
