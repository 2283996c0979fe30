/** What goes wrong with an ssh connection and the files behind it, as codes; no text of ours holds a key. */
import { printable } from '../binary/printable.ts';
import { KcaptureError } from '../errors.ts';
import { codeOf } from './errno.ts';
import { NetworkError } from './network-error.ts';

export type SshFileErrorCode = `ssh/${'missing' | 'permission' | 'no-space' | 'exists' | 'failure'}`;

/** Of one file or folder: the connection goes on. */
export class SshFileError extends KcaptureError {
  declare readonly code: SshFileErrorCode;

  constructor(code: SshFileErrorCode, message: string, details: { where?: string; hint?: string; cause?: unknown } = {}) {
    super(code, message, details);
  }
}

/** Status codes of SFTP: version 3 has those up to 8, some servers use later ones. @source draft-ietf-secsh-filexfer-02 §7, -13 §9.1 */
export const sftpStatus = { endOfFile: 1, noSuchFile: 2, permissionDenied: 3, failure: 4, unsupported: 8 } as const;

const fileCodes: Readonly<Record<number, SshFileErrorCode>> = {
  2: 'ssh/missing',
  3: 'ssh/permission',
  10: 'ssh/missing',
  11: 'ssh/exists',
  12: 'ssh/permission',
  14: 'ssh/no-space',
  15: 'ssh/no-space',
};

const hints: Readonly<Record<SshFileErrorCode, string | undefined>> = {
  'ssh/missing': undefined,
  'ssh/permission': 'Let this user write there on the server, or name another folder',
  'ssh/no-space': 'Make room on the server',
  'ssh/exists': undefined,
  'ssh/failure': 'Look at the server: a quota, a file system that is read-only, a disk that fails',
};

/** @param action as it follows "Cannot". @param cause what ssh2 says: a number as its `code`, the server's words as its message. */
export function fileError(action: string, where: string, cause: unknown): SshFileError {
  const said = cause instanceof Error ? printable(cause.message, 200) : 'no reason given';
  const status = statusOf(cause);
  const code = fileCodes[status ?? 0] ?? (/no space|quota/i.test(said) ? 'ssh/no-space' : 'ssh/failure');
  return new SshFileError(code, `Cannot ${action}: the server answers "${said}"`, { where, hint: hints[code], cause });
}

/** The status in the server's answer; `undefined`: this is no answer of the server. */
export function statusOf(cause: unknown): number | undefined {
  if (!(cause instanceof Error) || !('code' in cause)) return undefined;
  return typeof cause.code === 'number' ? cause.code : undefined;
}

/** Where ssh2 says an error comes from. */
function levelOf(cause: unknown): string {
  return cause instanceof Error && 'level' in cause ? String(cause.level) : '';
}

/** @param peer `user@host port 22`, for the message. */
export function connectionError(peer: string, cause: unknown): NetworkError {
  if (cause instanceof NetworkError) return cause;
  const said = cause instanceof Error ? printable(cause.message, 200) : 'no reason given';
  if (levelOf(cause) === 'client-authentication')
    return new NetworkError('network/auth', `Cannot log in as ${peer}: the server refuses the key`, {
      hint: "Put the target's public key into authorized_keys of that user on the server",
      cause,
    });
  if (/no matching host key/.test(said))
    return new NetworkError('network/host-key', `Cannot trust ${peer}: it has no host key of a kind that is known`, {
      hint: 'Pin a key that the server has; it lists them by: ssh-keyscan HOST, and its owner knows their fingerprints',
      cause,
    });
  if (/no matching/.test(said))
    return new NetworkError('network/protocol', `Cannot talk ssh with ${peer}: ${said}`, {
      hint: 'Allow aes128-gcm@openssh.com and curve25519-sha256 in the configuration of sshd (Ciphers, KexAlgorithms)',
      cause,
    });
  if (levelOf(cause) === 'client-socket' || /^Connection lost|^No response/.test(said) || codeOf(cause) === 'ECONNRESET')
    return new NetworkError('network/broken', `Cannot go on with ${peer}: the connection broke (${said})`, { cause });
  if (statusOf(cause) !== undefined)
    return new NetworkError('network/broken', `Cannot go on with ${peer}: the server hung up: "${said}"`, { cause });
  return new NetworkError('network/protocol', `Cannot talk ssh with ${peer}: ${said}`, { cause });
}
