/**
 * What lies in a target's folder of credentials. A file that is missing is simply not there: which of them a target needs is for its protocol to say.
 */
import { type Credentials, credentialFiles } from '../config/credentials.ts';
import { parseSecret } from '../config/credential-files.ts';
import type { Files } from '../sys/files-interface.ts';
import { RemoteError } from './remote-store.ts';

/** Bundles of authorities are the largest. */
const mostBytes = 1024 * 1024;
/** What others may see. */
const open: ReadonlySet<string> = new Set([credentialFiles.knownHosts, credentialFiles.authority, credentialFiles.clientCertificate]);

/**
 * @param folder `undefined`: there are none.
 * @param onWarning told of secrets that others can read, a sentence each.
 * @throws RemoteError `remote/auth` for a file that is too large or cannot be read; ConfigError for a secret that makes no sense. Neither quotes the file.
 */
export function readCredentials(
  files: Pick<Files, 'status' | 'readTextIfThere'>,
  folder: string | undefined,
  onWarning: (sentence: string) => void = () => {},
): Credentials {
  return readEach(files, (name) => (folder === undefined ? undefined : `${folder}/${credentialFiles[name]}`), onWarning);
}

/** As `readCredentials`, for files that lie in several places. @param pathOf `undefined`: there is no such file. */
export function readEach(
  files: Pick<Files, 'status' | 'readTextIfThere'>,
  pathOf: (name: keyof Credentials) => string | undefined,
  onWarning: (sentence: string) => void = () => {},
): Credentials {
  const read = (name: keyof Credentials) => {
    const path = pathOf(name);
    return path === undefined ? undefined : readOne(files, path, !open.has(credentialFiles[name]), onWarning);
  };
  const secret = read('secret');
  return {
    privateKey: read('privateKey'),
    knownHosts: read('knownHosts'),
    authority: read('authority'),
    clientCertificate: read('clientCertificate'),
    clientKey: read('clientKey'),
    secret: secret === undefined ? undefined : parseSecret(secret),
  };
}

function readOne(
  files: Pick<Files, 'status' | 'readTextIfThere'>,
  path: string,
  isSecret: boolean,
  onWarning: (sentence: string) => void,
): string | undefined {
  const status = files.status(path);
  if (status === undefined) return undefined;
  if (status.kind !== 'file' || status.sizeBytes > mostBytes) {
    throw unreadable(path, status.kind === 'file' ? `${status.sizeBytes} bytes, expected at most ${mostBytes}` : 'it is no file');
  }
  if (isSecret && (status.mode & 0o077) !== 0) onWarning(`"${path}" can be read by others: chmod 600 it`);
  const text = files.readTextIfThere(path, mostBytes);
  if (text === undefined) throw unreadable(path, 'not permitted');
  return text;
}

function unreadable(path: string, found: string): RemoteError {
  return new RemoteError('remote/auth', `Cannot read the credentials in "${path}": ${found}`, {
    where: path,
    hint: 'Make them anew: kcapture target add URL',
  });
}
