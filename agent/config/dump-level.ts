/** The `-d` argument: one dump level or a list of levels that are tried in turn when the output has no room. */
import { dumpLevel } from '../classify/page-kind.ts';
import { UsageError } from '../errors.ts';

/**
 * @param text `31` or `31,0`.
 * @throws UsageError `usage/dump-level`
 */
export function parseDumpLevels(text: string): number[] {
  return text.split(',').map((part) => {
    const level = Number(part);
    if (!/^\d+$/.test(part) || level > dumpLevel.all) {
      throw new UsageError('usage/dump-level', `Cannot use the dump level "${part}": expected a number from 0 to ${dumpLevel.all}`, {
        hint: 'Add up what may stay out: 1 zero pages, 2 page cache, 4 page cache with buffers, 8 user data, 16 free pages',
      });
    }
    return level;
  });
}

/** `zero, cache, user`: the kinds of pages that a level leaves out. */
export function describeDumpLevel(level: number): string {
  const names = Object.entries({ zero: 'zero', cache: 'cache', cachePrivate: 'private cache', user: 'user', free: 'free' });
  const parts = names.filter(([key]) => level & dumpLevel[key as keyof typeof dumpLevel]).map(([, name]) => name);
  return parts.length === 0 ? 'nothing' : parts.join(', ');
}
