/** Takes away what kcapture itself made while it was in use: images, payloads, notes about what is loaded. Saved dumps are not state. */
import type { Files } from '../../sys/files-interface.ts';
import { hostPaths } from '../paths.ts';

/** Names in the state folder that only kcapture writes; the record of the installation goes last, by itself. */
const ownNames = [/^kcapture-.+\.img$/, /^payload-[0-9a-f]{16}\.squashfs$/, /^loaded\.json$/];

/** Returns the paths that were removed. */
export function removeState(files: Files): readonly string[] {
  const names = files.list(hostPaths.state).filter((name) => ownNames.some((pattern) => pattern.test(name)));
  const paths = names.map((name) => `${hostPaths.state}/${name}`);
  for (const path of paths) files.remove(path);
  return paths;
}

/** The folder is ours by its name, whoever made it; what somebody else keeps in it stays. */
export function removeEmptyState(files: Files): void {
  if (files.linkStatus(hostPaths.state)?.kind === 'folder' && files.list(hostPaths.state).length === 0) files.remove(hostPaths.state);
}
