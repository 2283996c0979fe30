/**
 * `kcapture install`: puts what belongs to a system on it, from the executable itself.
 *
 * Comes in: wishes, and the files of a system (the running one or a tree below a folder). Goes out: what was done and what a person may want to
 * know. Running it again brings a system up to date and changes nothing else.
 */
import type { Files } from '../../sys/files-interface.ts';
import { hostPaths } from '../paths.ts';
import { type SystemPart, unitLinks } from '../shipped-files.ts';
import { type Placed, type PlaceRequest, placeFiles } from './place-files.ts';
import { type InstallRecord, readRecord, writeRecord } from './record.ts';
import { type Removed, removeEntries } from './remove-files.ts';
import { systemParts } from './system-parts.ts';
import { isAdministrators, type Wishes, wantedFiles } from './wanted-files.ts';

export type InstallOptions = Wishes & {
  readonly version: string;
  /** Start at boot. `undefined`: yes, unless an administrator took the link away after the last installation. */
  readonly enable: boolean | undefined;
};

export type InstallReport = {
  readonly parts: readonly SystemPart[];
  readonly written: readonly string[];
  /** Of an older installation and no longer wanted. */
  readonly removed: readonly string[];
  /** Sentences. */
  readonly notes: readonly string[];
};

/**
 * @param files of the system to install to.
 * @throws InstallError `install/occupied`, `install/record`; FilesError. A first installation that fails is taken back.
 */
export function install(files: Files, options: InstallOptions): InstallReport {
  const previous = readRecord(files);
  const parts = systemParts(files);
  const wanted = wantedFiles(files, { parts, previous, wishes: options });
  const links = parts.has('systemd') && isEnabled(files, options.enable, previous) ? unitLinks : [];
  const placed = placeOrTakeBack(files, { version: options.version, wanted, links, previous });
  const { removed, kept } = dropOutdated(files, placed.record, new Set([...wanted, ...links].map(({ path }) => path)));
  return {
    parts: [...parts],
    written: placed.written,
    removed,
    notes: [
      ...placed.kept.map((path) => `${path} was changed after it was installed and stays as it is; move it away to get the new one`),
      ...kept.map(({ path, why }) => `${path} is no longer needed but stays: ${why}`),
    ],
  };
}

function isEnabled(files: Files, wish: boolean | undefined, previous: InstallRecord | undefined): boolean {
  if (wish !== undefined) return wish;
  if (previous === undefined) return true;
  const { path } = unitLinks[0];
  return previous.entries.some((entry) => entry.path === path) && files.linkStatus(path) !== undefined;
}

function placeOrTakeBack(files: Files, request: PlaceRequest): Placed {
  try {
    return placeFiles(files, request);
  } catch (error) {
    if (request.previous === undefined) takeBack(files);
    throw error;
  }
}

function takeBack(files: Files): void {
  const record = readRecord(files);
  if (record === undefined) return;
  files.remove(hostPaths.installed);
  removeEntries(files, record.entries);
}

/** What an older installation wrote and this one does not want goes, and leaves the record. */
function dropOutdated(files: Files, record: InstallRecord, wanted: ReadonlySet<string>): Removed {
  const outdated = record.entries.filter(({ kind, path }) => kind !== 'folder' && !wanted.has(path) && !isAdministrators(path));
  if (outdated.length === 0) return { removed: [], kept: [] };
  const folders = record.entries.filter(({ kind }) => kind === 'folder');
  const dropped = removeEntries(files, [...folders, ...outdated]);
  const gone = new Set([...dropped.removed, ...outdated.map(({ path }) => path)]);
  writeRecord(files, { ...record, entries: record.entries.filter(({ path }) => !gone.has(path)) });
  return dropped;
}
