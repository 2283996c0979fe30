/**
 * Where a path of the product lies on this machine. For the real system that is the path itself; below another root, links are followed here and not by
 * the kernel, so that neither an absolute link nor `..` leads out of the tree.
 */
import { lstatSync, readlinkSync, realpathSync } from 'node:fs';
import { join } from 'node:path';
import { FilesError } from './files-error.ts';

export interface PathMap {
  /** The place a path leads to when its last part is followed too, should it be a link. */
  follow(path: string): string;
  /** The place of the last part itself. */
  itself(path: string): string;
  /** The path under which the product knows a place. */
  back(place: string): string;
}

/** As many as the kernel follows. @source linux/namei.h, MAXSYMLINKS */
const mostLinks = 40;

/**
 * @param root absolute folder; `/` for the machine itself.
 * The functions throw FilesError `files/io` for a path that is not absolute, or has too many links.
 */
export function createPathMap(root: string): PathMap {
  if (root === '/') return { follow: checkAbsolute, itself: checkAbsolute, back: (place) => place };
  const base = realpathSync(root);
  return {
    follow: (path) => walk(base, checkAbsolute(path), true),
    itself: (path) => walk(base, checkAbsolute(path), false),
    back: (place) => place.slice(base.length) || '/',
  };
}

function checkAbsolute(path: string): string {
  if (path.startsWith('/') && !path.includes('\0')) return path;
  throw new FilesError('files/io', `Cannot use the path ${JSON.stringify(path)}: expected an absolute one`, { where: path });
}

/** Goes from part to part as the kernel does, but `/` is `base` and nothing lies above it. */
function walk(base: string, path: string, followLast: boolean): string {
  const waiting = partsOf(path).reverse();
  const done: string[] = [];
  for (let links = 0; waiting.length > 0; ) {
    const part = waiting.pop()!;
    if (part === '..') {
      done.pop();
      continue;
    }
    const place = join(base, ...done, part);
    const isLink = (followLast || waiting.length > 0) && lstatSync(place, { throwIfNoEntry: false })?.isSymbolicLink() === true;
    if (!isLink) {
      done.push(part);
      continue;
    }
    if (++links > mostLinks) throw new FilesError('files/io', `Cannot follow "${path}": too many symbolic links`, { where: path });
    const target = readlinkSync(place);
    if (target.startsWith('/')) done.length = 0;
    waiting.push(...partsOf(target).reverse());
  }
  return join(base, ...done);
}

function partsOf(path: string): string[] {
  return path.split('/').filter((part) => part !== '' && part !== '.');
}
