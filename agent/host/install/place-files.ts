/**
 * Puts wanted files on a system, after looking at all of them: what belongs to somebody else is found before the first byte is written.
 *
 * The record is written before the files, so that a power cut in between leaves nothing that uninstalling does not know.
 */
import { basename, dirname } from 'node:path';
import type { Files } from '../../sys/files-interface.ts';
import { hostPaths } from '../paths.ts';
import { InstallError } from './install-error.ts';
import { type InstalledEntry, type InstallRecord, writeRecord } from './record.ts';
import type { WantedFile } from './wanted-files.ts';

export type WantedLink = { readonly path: string; readonly target: string };

/** `keep`: somebody changed it since we wrote it. `foreign`: the same content, written by somebody else. */
type Action = 'write' | 'same' | 'keep' | 'foreign';

export type Placed = {
  readonly record: InstallRecord;
  readonly written: readonly string[];
  /** Ours and no configuration, but changed since; left as they are. */
  readonly kept: readonly string[];
};

export type PlaceRequest = {
  readonly version: string;
  readonly wanted: readonly WantedFile[];
  readonly links: readonly WantedLink[];
  /** Of the last installation. */
  readonly previous: InstallRecord | undefined;
};

/**
 * @throws InstallError `install/occupied`: a path holds something else that we did not write; nothing was changed.
 * @throws FilesError: a file cannot be written; what is there already stays recorded.
 */
export function placeFiles(files: Files, { version, wanted, links, previous }: PlaceRequest): Placed {
  const recorded = new Map((previous?.entries ?? []).map((entry) => [entry.path, entry]));
  const actions = new Map(wanted.map((file) => [file, decide(files, file, recorded.get(file.path))]));
  const missingLinks = links.filter((link) => !isLinked(files, link));
  const ours = wanted.filter((file) => actions.get(file) !== 'foreign');
  const record: InstallRecord = {
    version: 1,
    kcapture: version,
    entries: mergeEntries(previous?.entries ?? [], [
      ...missingFolders(files, [hostPaths.installed, ...ours.map(({ path }) => path), ...links.map(({ path }) => path)]),
      ...ours.map((file) => entryFor(file, actions.get(file) === 'keep' ? recorded.get(file.path) : undefined)),
      ...[...missingLinks, ...links.filter(({ path }) => recorded.has(path))].map((link) => ({ kind: 'link' as const, ...link })),
    ]),
  };
  files.makeFolder(hostPaths.state);
  writeRecord(files, record);
  const written: string[] = [];
  for (const [file, action] of actions) {
    if (action !== 'write') continue;
    files.makeFolder(dirname(file.path));
    files.write(file.path, file.content, file.mode);
    written.push(file.path);
  }
  for (const { path, target } of missingLinks) {
    files.makeFolder(dirname(path));
    files.link(target, path);
    written.push(path);
  }
  return {
    record,
    written,
    kept: wanted.filter((file) => actions.get(file) === 'keep' && file.isConfiguration !== true).map(({ path }) => path),
  };
}

function decide(files: Files, file: WantedFile, recorded: InstalledEntry | undefined): Action {
  const there = files.linkStatus(file.path);
  if (there === undefined) return 'write';
  const hash = there.kind === 'file' ? files.sha256(file.path) : undefined;
  const isSame = hash === file.sha256 && there.mode === file.mode;
  if (recorded?.kind === 'file') {
    if (isSame) return 'same';
    // The content of an installation that a power cut stopped is that of the record; its mode may be an older one.
    return hash === recorded.sha256 ? 'write' : 'keep';
  }
  if (hash === file.sha256) return 'foreign';
  const found = there.kind === 'file' ? 'a file with other content is there' : `a ${there.kind} is there`;
  const hint = 'Another package may own it. Move it away, or leave kcapture to that package.';
  throw new InstallError('install/occupied', `Cannot install "${file.path}": ${found}`, { where: file.path, hint });
}

function isLinked(files: Files, { path, target }: WantedLink): boolean {
  const there = files.linkStatus(path);
  if (there === undefined) return false;
  // systemctl may have made it, with /lib for /usr/lib.
  if (basename(files.readLink(path) ?? '') === basename(target)) return true;
  const found = there.kind === 'link' ? `a link to "${files.readLink(path)}"` : `a ${there.kind}`;
  throw new InstallError('install/occupied', `Cannot make the link "${path}": ${found} is there, expected nothing`, { where: path });
}

function entryFor({ path, sha256, mode }: WantedFile, kept: InstalledEntry | undefined): InstalledEntry {
  return kept ?? { kind: 'file', path, sha256, mode };
}

/** Folders above these paths that are not there yet, parents first. */
function missingFolders(files: Files, paths: readonly string[]): readonly InstalledEntry[] {
  const missing = new Set<string>();
  for (const path of paths) {
    const above: string[] = [];
    for (let folder = dirname(path); files.status(folder) === undefined && folder !== '/'; folder = dirname(folder)) above.unshift(folder);
    for (const folder of above) missing.add(folder);
  }
  return [...missing].map((path) => ({ kind: 'folder' as const, path }));
}

/** The newer entry of a path wins and keeps the older one's place. */
function mergeEntries(older: readonly InstalledEntry[], newer: readonly InstalledEntry[]): readonly InstalledEntry[] {
  const byPath = new Map<string, InstalledEntry>();
  for (const entry of [...older, ...newer]) byPath.set(entry.path, entry);
  return [...byPath.values()];
}
