/**
 * Which files on this machine prove who we are at a place on a server, and who the server is: those of the target's folder, and for ssh, where that has none,
 * the key of the configuration and the host keys that root knows.
 *
 * Comes in: a place, the configuration's `sshkey`. Goes out: paths; nothing of their content.
 */
import { credentialFiles } from '../../config/credentials.ts';
import { credentialsFolder } from '../../config/credential-files.ts';
import type { RemotePlace } from '../../config/remote-place.ts';
import type { System } from '../../sys/system.ts';

/** What the capture reads; the public key is for people. */
export type CredentialName = Exclude<keyof typeof credentialFiles, 'publicKey'>;

export type CredentialSources = {
  /** On this machine and in the image. */
  readonly folder: string;
  /** Paths on this machine. */
  readonly paths: Readonly<Partial<Record<CredentialName, string>>>;
};

const carried: readonly CredentialName[] = ['privateKey', 'knownHosts', 'authority', 'clientCertificate', 'clientKey', 'secret'];
/** Where kdump's other tools put theirs. @source kdump.conf(5) */
const usualKey = '/root/.ssh/kdump_id_rsa';
const usualKnownHosts = ['/root/.ssh/known_hosts', '/etc/ssh/ssh_known_hosts'];

export function findCredentials({ files }: Pick<System, 'files'>, place: RemotePlace, sshKey: string | undefined): CredentialSources {
  const folder = credentialsFolder(place);
  const paths: Partial<Record<CredentialName, string>> = {};
  const isFile = (path: string) => files.status(path)?.kind === 'file';
  for (const name of carried) {
    const path = `${folder}/${credentialFiles[name]}`;
    if (isFile(path)) paths[name] = path;
  }
  if (place.kind === 'ssh') {
    paths.privateKey ??= [sshKey ?? usualKey].find(isFile);
    paths.knownHosts ??= usualKnownHosts.find(isFile);
  }
  return { folder, paths };
}
