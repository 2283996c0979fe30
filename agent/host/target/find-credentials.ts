/**
 * Which files on this machine prove who we are at a place on a server, and who the server is: those of the target's folder, and for ssh, where that has none,
 * the key of the configuration and the host keys that root knows.
 *
 * Comes in: a place, the configuration's `sshkey`. Goes out: paths; nothing of their content.
 */
import { type Credentials, credentialFiles } from '../../config/credentials.ts';
import { credentialsFolder } from '../../config/credential-files.ts';
import type { RemotePlace } from '../../config/remote-place.ts';
import { readEach } from '../../remote/read-credentials.ts';
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
  const isFile = (path: string) => files.status(path)?.kind === 'file';
  const own = carried.map((name) => [name, `${folder}/${credentialFiles[name]}`] as const).filter(([, path]) => isFile(path));
  const paths = { ...(place.kind === 'ssh' ? usualFiles(isFile, sshKey) : {}), ...Object.fromEntries(own) };
  return { folder, paths };
}

function usualFiles(isFile: (path: string) => boolean, sshKey: string | undefined): Partial<Record<CredentialName, string>> {
  const privateKey = [sshKey ?? usualKey].find(isFile);
  const knownHosts = usualKnownHosts.find(isFile);
  return { ...(privateKey === undefined ? {} : { privateKey }), ...(knownHosts === undefined ? {} : { knownHosts }) };
}

/** Their content. @throws ConfigError, RemoteError `remote/auth`: a secret that makes no sense, a file that cannot be read. Neither quotes the file. */
export function readSources({ files }: Pick<System, 'files'>, { paths }: CredentialSources): Credentials {
  return readEach(files, (name) => paths[name]);
}
