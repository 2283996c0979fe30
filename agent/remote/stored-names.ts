/** Names of what lies on a server: files of a capture, and the captures beside it. */

/** Behind the name of a file that is not finished. */
export const unfinished = '-incomplete';

/** The time a capture began, UTC, and the number of a second one in that second. */
const datePattern = /-(\d{4}-\d\d-\d\d-\d\d:\d\d:\d\d(?:\.\d{1,3})?)$/;

/**
 * A plain file name, for a path, a URL or a key. Names come from our own tables; one with a slash is a fault of ours.
 * @throws RangeError
 */
export function checkedName(name: string): string {
  if (/^[A-Za-z0-9][A-Za-z0-9._-]{0,99}$/.test(name)) return name;
  throw new RangeError(`Cannot store "${name}": expected a plain file name`);
}

/** `2026-11-21-08:00:00` at the end of a capture's name, which sorts as time goes; empty for any other name. */
export function timeInName(name: string): string {
  return datePattern.exec(name)?.[1] ?? '';
}

/** True for another capture of the host that `own` is of. */
export function isOfSameHost(name: string, own: string): boolean {
  return name !== own && datePattern.test(name) && name.replace(datePattern, '') === own.replace(datePattern, '');
}
