/** The capture a person means: a path, a folder's name, or `latest`. */
import { basename, dirname, resolve } from 'node:path';
import { printable } from '../../binary/printable.ts';
import type { Files } from '../../sys/files-interface.ts';
import { byTime, findSaved, readSaved } from './find-saved.ts';
import { SavedError } from './read-manifest.ts';
import type { SavedDump } from './saved-dump.ts';

/**
 * @param folders where captures lie.
 * @throws SavedError `saved/not-found`: there is none; the hint says how to see which there are.
 */
export function chooseSaved(files: Files, wanted: string, folders: readonly string[]): SavedDump {
  const chosen = wanted.includes('/') ? readByPath(files, wanted) : readByName(files, wanted, folders);
  if (chosen !== undefined) return chosen;
  const where = folders.map((folder) => printable(folder)).join(', ');
  throw new SavedError('saved/not-found', `Cannot find a capture "${printable(wanted)}"${where === '' ? '' : ` in ${where}`}`, {
    hint: 'See which there are: kcapture list',
  });
}

function readByPath(files: Files, wanted: string): SavedDump | undefined {
  const path = resolve(wanted);
  return readSaved(files, dirname(path), basename(path));
}

function readByName(files: Files, wanted: string, folders: readonly string[]): SavedDump | undefined {
  const saved = folders.flatMap((folder) => findSaved(files, folder)).sort(byTime);
  if (wanted === 'latest') return saved.at(-1);
  return saved.findLast(({ name }) => name === wanted) ?? onlyOne(saved.filter(({ name }) => name.includes(wanted)));
}

/** Part of a name will do when it means one capture. */
function onlyOne(saved: readonly SavedDump[]): SavedDump | undefined {
  return saved.length === 1 ? saved[0] : undefined;
}
