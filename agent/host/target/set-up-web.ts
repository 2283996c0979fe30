/** What an http or S3 target needs on this machine: a password, token or access key, and certificates. Secrets come from files, standard input or a prompt. */
import type { Secret } from '../../config/credentials.ts';
import type { HttpPlace, S3Place } from '../../config/remote-place.ts';
import { formatSecret } from '../../config/credential-files.ts';
import type { System } from '../../sys/system.ts';
import { readAccessKey } from './access-key.ts';
import { ask, askSecret, readInput } from './ask.ts';
import { readCertificates } from './check-certificates.ts';
import { putCredential } from './credentials-folder.ts';
import { TargetSetUpError } from './target-set-up-error.ts';

/** Each `…File`: a path, `-` for standard input. */
export type SecretWish = {
  readonly user?: string;
  readonly passwordFile?: string;
  readonly tokenFile?: string;
  readonly accessKeyFile?: string;
  /** Section of an ini file of access keys. */
  readonly profile?: string;
};

export type CertificateWish = { readonly ca?: string; readonly clientCert?: string; readonly clientKey?: string };

/**
 * @param isTerminal somebody can be asked.
 * @returns `undefined`: nothing was given and nobody could be asked, or none is needed.
 * @throws TargetSetUpError `target-set-up/secret`
 */
export function readSecret(system: System, place: HttpPlace | S3Place, wish: SecretWish, isTerminal: boolean): Secret | undefined {
  return place.kind === 's3' ? readKey(system, wish, isTerminal) : readLogin(system, wish, isTerminal);
}

function readKey(system: System, { accessKeyFile, profile }: SecretWish, isTerminal: boolean): Secret | undefined {
  if (accessKeyFile !== undefined) return readAccessKey(readSource(system, accessKeyFile), profile);
  if (!isTerminal) return undefined;
  return readAccessKey(`${ask(system, 'Access key id: ')}\n${askSecret(system, 'Secret access key: ')}`);
}

function readLogin(system: System, { user, passwordFile, tokenFile }: SecretWish, isTerminal: boolean): Secret | undefined {
  if (tokenFile !== undefined) return { kind: 'bearer', token: checkText(readSource(system, tokenFile).trim(), 'token') };
  if (user === undefined) return undefined;
  if (passwordFile === undefined && !isTerminal) {
    throw new TargetSetUpError('target-set-up/secret', `Cannot log in as "${user}": no password was given`, {
      hint: 'Give it on standard input: --password-file -',
    });
  }
  const password = passwordFile === undefined ? askSecret(system, `Password of ${user}: `) : firstLine(readSource(system, passwordFile));
  return { kind: 'basic', user, password: checkText(password, 'password') };
}

function readSource(system: System, path: string): string {
  const text = path === '-' ? readInput(system) : system.files.readTextIfThere(path, 64 * 1024);
  if (text !== undefined) return text;
  throw new TargetSetUpError('target-set-up/secret', `Cannot read "${path}": it is not there, or may not be read`, { where: path });
}

function firstLine(text: string): string {
  return text.split(/\r?\n/, 1)[0];
}

function checkText(text: string, what: string): string {
  // biome-ignore lint/suspicious/noControlCharactersInRegex: these are what is searched for
  if (text !== '' && text.length <= 8192 && !/[\u0000-\u001f\u007f]/.test(text)) return text;
  throw new TargetSetUpError('target-set-up/secret', `Cannot use the ${what}: it is empty, too long or holds a control character`);
}

export function putSecret(system: System, folder: string, secret: Secret): void {
  putCredential(system, folder, 'secret', formatSecret(secret));
}

/** Copies certificates into the folder. @throws TargetSetUpError `target-set-up/certificate` */
export function putCertificates(system: System, folder: string, { ca, clientCert, clientKey }: CertificateWish): void {
  if (ca !== undefined) putCredential(system, folder, 'authority', readPem(system, ca, 'certificate'));
  if ((clientCert === undefined) !== (clientKey === undefined)) {
    throw new TargetSetUpError('target-set-up/certificate', 'Cannot use a client certificate without its key', {
      hint: 'Give both: --client-cert FILE --client-key FILE',
    });
  }
  if (clientCert !== undefined) putCredential(system, folder, 'clientCertificate', readPem(system, clientCert, 'certificate'));
  if (clientKey !== undefined) putCredential(system, folder, 'clientKey', readPem(system, clientKey, 'key'));
}

function readPem(system: System, path: string, what: 'certificate' | 'key'): string {
  const text = system.files.readTextIfThere(path, 1024 * 1024);
  const isFit = what === 'certificate' ? readCertificates(text) !== undefined : /-----BEGIN [A-Z ]*PRIVATE KEY-----/.test(text ?? '');
  if (text !== undefined && isFit) return text;
  throw new TargetSetUpError('target-set-up/certificate', `Cannot use "${path}": expected a ${what} in PEM`, { where: path });
}
