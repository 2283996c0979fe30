/** What the system said when a call failed: its errno name, and words for a person. */

/** The errno name of a failed system call, `''` for any other error. */
export function codeOf(error: unknown): string {
  return error instanceof Error && 'code' in error ? String(error.code) : '';
}

const reasons: Readonly<Record<string, string>> = {
  EACCES: 'permission denied',
  EBUSY: 'it is in use',
  EIO: 'the device reports an input/output error',
  EISDIR: 'it is a directory',
  ELOOP: 'too many symbolic links',
  EMFILE: 'too many open files',
  ENODEV: 'there is no such device',
  ENOENT: 'there is no such file',
  ENOTDIR: 'a part of the path is not a directory',
  ENXIO: 'there is no such device',
  EPERM: 'not permitted',
  EROFS: 'the file system is read-only',
};

/** Why a system call failed, in words for a person; the error's own text when there are none. */
export function reasonOf(error: unknown): string {
  const code = codeOf(error);
  const text = error instanceof Error ? error.message : String(error);
  return reasons[code] ?? (code === '' ? text : `${text.replace(/^\w+: /, '').replace(/, \w+( '.*)?$/, '')} (${code})`);
}
