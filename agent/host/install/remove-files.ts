/** Takes away what a record says we put there, and only while it still is what we put there. */
import { basename } from 'node:path';
import type { Files } from '../../sys/files-interface.ts';
import type { InstalledEntry } from './record.ts';

export type Removed = {
  readonly removed: readonly string[];
  /** Still there, with the reason. */
  readonly kept: readonly { readonly path: string; readonly why: string }[];
};

/**
 * @param entries in the order in which they were made; they go in the opposite one.
 * @param certain paths of files that go whatever they hold now.
 */
export function removeEntries(files: Files, entries: readonly InstalledEntry[], certain: readonly string[] = []): Removed {
  const removed: string[] = [];
  const kept: { path: string; why: string }[] = [];
  // A folder may have been recorded after what it holds, so folders go last and the deepest first.
  const folders = entries.filter(({ kind }) => kind === 'folder').sort((a, b) => b.path.length - a.path.length);
  for (const entry of [...entries.filter(({ kind }) => kind !== 'folder').reverse(), ...folders]) {
    if (files.linkStatus(entry.path) === undefined) continue;
    const why = reasonToKeep(files, entry, certain);
    if (why === undefined) {
      files.remove(entry.path);
      removed.push(entry.path);
    } else if (entry.kind !== 'folder') {
      kept.push({ path: entry.path, why });
    }
  }
  return { removed, kept };
}

function reasonToKeep(files: Files, entry: InstalledEntry, certain: readonly string[]): string | undefined {
  const there = files.linkStatus(entry.path);
  if (there?.kind !== entry.kind) return `it is a ${there?.kind} now`;
  if (entry.kind === 'folder') return files.list(entry.path).length > 0 ? 'it is not empty' : undefined;
  if (entry.kind === 'link') return isSameUnit(files.readLink(entry.path), entry.target) ? undefined : 'it leads elsewhere now';
  return certain.includes(entry.path) || files.sha256(entry.path) === entry.sha256 ? undefined : 'it was changed after it was installed';
}

/** systemctl may have made the link anew, with /lib for /usr/lib. */
function isSameUnit(target: string | undefined, ours: string): boolean {
  return target !== undefined && basename(target) === basename(ours);
}
