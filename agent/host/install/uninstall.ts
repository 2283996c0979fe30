/**
 * `kcapture install --uninstall`: takes away exactly what installing wrote and what kcapture made while it was in use.
 *
 * What somebody changed stays and is named. Saved dumps stay.
 */
import type { Files } from '../../sys/files-interface.ts';
import { credentialsRoot } from '../../config/credentials.ts';
import { hostPaths } from '../paths.ts';
import { type InstalledEntry, readRecord } from './record.ts';
import { removeEntries } from './remove-files.ts';
import { removeEmptyState, removeState } from './remove-state.ts';

export type UninstallOptions = {
  /** The running executable, when it is one of this system: it goes even if a newer one took its place. */
  readonly executablePath?: string;
};

export type UninstallReport = {
  readonly removed: readonly string[];
  readonly kept: readonly { readonly path: string; readonly why: string }[];
};

/** Nothing happens where nothing was installed. @throws InstallError `install/record`; FilesError. */
export function uninstall(files: Files, { executablePath }: UninstallOptions): UninstallReport {
  const record = readRecord(files);
  const state = removeState(files);
  const isFolder = ({ kind }: InstalledEntry) => kind === 'folder';
  const entries = record?.entries ?? [];
  const contents = removeEntries(
    files,
    entries.filter((entry) => !isFolder(entry)),
    executablePath === undefined ? [] : [executablePath],
  );
  files.remove(hostPaths.installed);
  const folders = removeEntries(files, entries.filter(isFolder));
  removeEmptyState(files);
  return { removed: [...state, ...contents.removed, ...folders.removed], kept: [...contents.kept, ...credentials(files)] };
}

/** Made by hand, one by one, with the help of others: not to be made again in a minute. */
function credentials(files: Files): UninstallReport['kept'] {
  return files.linkStatus(credentialsRoot) === undefined ? [] : [{ path: credentialsRoot, why: 'credentials of targets on the network' }];
}
