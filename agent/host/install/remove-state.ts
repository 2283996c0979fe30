/** Takes away what kcapture itself made while it was in use: images, payloads, notes about what is loaded. Saved dumps are not state. */
import type { Files } from '../../sys/files-interface.ts';
import { hostPaths } from '../paths.ts';

/** Names in the state folder that only kcapture writes; the record of the installation goes last, by itself. */
const ownFiles = [
  /^kcapture-.+\.(img|json)(-new)?(-incomplete)?$/,
  /^kernel-[0-9a-f]{16}$/,
  /^payload-[0-9a-f]{16}\.squashfs(-incomplete)?$/,
  /^(loaded|notified)\.json$/,
];
const ownFolders = [/^staging-.+$/];

/** Returns the paths that were removed. */
export function removeState(files: Files): readonly string[] {
  const names = files.list(hostPaths.state);
  const matching = (patterns: readonly RegExp[]) =>
    names.filter((name) => patterns.some((pattern) => pattern.test(name))).map((name) => `${hostPaths.state}/${name}`);
  const folders = matching(ownFolders);
  const single = matching(ownFiles);
  for (const path of single) files.remove(path);
  for (const path of folders) files.removeTree(path);
  return [...single, ...folders];
}

/** The folder is ours by its name, whoever made it; what somebody else keeps in it stays. */
export function removeEmptyState(files: Files): void {
  if (files.linkStatus(hostPaths.state)?.kind === 'folder' && files.list(hostPaths.state).length === 0) files.remove(hostPaths.state);
}
