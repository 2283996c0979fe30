/** Are the files of a capture still what its manifest says? Reads all of them. */
import type { Files } from '../../sys/files-interface.ts';
import type { SavedDump } from './saved-dump.ts';

export type Verdict = {
  readonly name: string;
  /** `unknown`: the manifest has no checksum of it. */
  readonly result: 'same' | 'changed' | 'missing' | 'unreadable' | 'unknown';
};

/** One verdict for each file of the manifest; empty without one. */
export function verifySaved(files: Files, saved: SavedDump, onBytes?: (doneBytes: number, totalBytes: number) => void): readonly Verdict[] {
  const total = saved.files.reduce((sum, { sizeBytes }) => sum + sizeBytes, 0);
  let before = 0;
  return (saved.manifest?.files ?? []).map(({ name, sha256, sizeBytes }): Verdict => {
    // Only what was found as a regular file: a name in a manifest may be a link by now.
    const file = saved.files.find((other) => other.name === name);
    if (file === undefined) return { name, result: 'missing' };
    if (file.sizeBytes !== sizeBytes) return { name, result: 'changed' };
    if (sha256 === undefined) return { name, result: 'unknown' };
    try {
      const sum = files.sha256(`${saved.folder}/${name}`, (done) => onBytes?.(before + done, total));
      before += file.sizeBytes;
      return { name, result: sum === sha256 ? 'same' : 'changed' };
    } catch {
      return { name, result: 'unreadable' };
    }
  });
}
