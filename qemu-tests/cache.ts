/**
 * The one folder in which downloads and everything made from them are kept between runs.
 *
 * `KCAPTURE_CACHE` names it; a thing is made once, under a temporary name, and renamed when it is whole.
 */
import { createHash } from 'node:crypto';
import { existsSync, globSync, mkdirSync, readFileSync, renameSync, rmSync, statSync } from 'node:fs';
import { dirname, join } from 'node:path';

export const cacheFolder = process.env.KCAPTURE_CACHE ?? '/var/cache/kcapture-tests';

/**
 * The path of a cached file or folder, made by `make` if it is not there yet.
 * @param make Gets a path that does not exist and whose parent does; creates a file or a folder there.
 */
export function cached(name: string, make: (path: string) => void): string {
  const path = join(cacheFolder, name);
  if (existsSync(path)) return path;
  const unfinished = `${path}.${process.pid}.unfinished`;
  mkdirSync(dirname(path), { recursive: true });
  rmSync(unfinished, { recursive: true, force: true });
  make(unfinished);
  publish(unfinished, path);
  return path;
}

/** Gives the finished thing its name; when another process was faster, its own is as good. */
function publish(unfinished: string, path: string): void {
  try {
    renameSync(unfinished, path);
  } catch (error) {
    if (!existsSync(path)) throw error;
    rmSync(unfinished, { recursive: true, force: true });
  }
}

/** A short name for the content of some files and words, to key what is made from them. */
export function fingerprint(files: readonly string[], words: readonly string[] = []): string {
  const hash = createHash('sha256');
  for (const file of files) hash.update(readFileSync(file)).update('\0');
  for (const word of words) hash.update(word).update('\0');
  return hash.digest('hex').slice(0, 16);
}

/** Removes what was made for earlier builds, oldest first. @param pattern Of names in the cache. @param kept How many stay. */
export function removeOld(pattern: string, kept: number): void {
  const files = globSync(join(cacheFolder, pattern)).map((path) => ({ path, time: statSync(path).mtimeMs }));
  for (const { path } of files.sort((a, b) => b.time - a.time).slice(kept)) rmSync(path, { force: true });
}
