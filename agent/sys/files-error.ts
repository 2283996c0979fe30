/** What a failed call on a file means, in the six kinds the rooms tell apart. */
import { KcaptureError } from '../errors.ts';
import { codeOf, reasonOf } from './errno.ts';
import type { FilesErrorCode, FilesFailure } from './files-interface.ts';

/** A file or folder that cannot be used as asked. Codes: `FilesErrorCode`. */
export class FilesError extends KcaptureError implements FilesFailure {
  declare readonly code: FilesErrorCode;

  constructor(code: FilesErrorCode, message: string, details: { where: string; hint?: string; cause?: unknown }) {
    super(code, message, details);
  }
}

const kinds: Readonly<Record<string, FilesErrorCode>> = {
  EACCES: 'files/permission',
  EDQUOT: 'files/no-space',
  EEXIST: 'files/exists',
  EFBIG: 'files/no-space',
  ENOENT: 'files/missing',
  ENOSPC: 'files/no-space',
  ENOTDIR: 'files/missing',
  ENOTEMPTY: 'files/exists',
  EPERM: 'files/permission',
  EROFS: 'files/read-only',
};

const reasons: Readonly<Record<string, string>> = {
  EDQUOT: 'the quota is used up',
  EEXIST: 'it exists already',
  EFBIG: 'the file system takes no larger file',
  EINVAL: 'it does not take that',
  ENOENT: 'there is no such file or folder',
  ENOSPC: 'no space is left',
  ENOTEMPTY: 'it is not empty',
};

/** @param action verb and path as they follow "Cannot", e.g. `read "/etc/fstab"`. @param path as the caller named it. */
export function filesError(action: string, path: string, cause: unknown): FilesError {
  if (cause instanceof FilesError) return cause;
  const code = codeOf(cause);
  return new FilesError(kinds[code] ?? 'files/io', `Cannot ${action}: ${reasons[code] ?? reasonOf(cause)}`, { where: path, cause });
}

/** True for "there is nothing at this path". */
export function isMissing(cause: unknown): boolean {
  const code = codeOf(cause);
  return code === 'ENOENT' || code === 'ENOTDIR';
}
