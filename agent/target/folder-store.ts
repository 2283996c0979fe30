/** A capture's own folder on a file system: `vmcore-dmesg.txt`, `vmcore`, `manifest.json`, `kcapture.log`. Files 0600, the folder 0700. */
import { encodeText } from '../binary/text.ts';
import type { System } from '../sys/system.ts';
import { dumpFiles, parseDumpName, unfinished } from './dump-name.ts';
import type { DumpStore, StoredFile } from './dump-store.ts';

/** Many times what a manifest takes. */
const manifestBytes = 64 * 1024;

export type FolderStoreRequest = {
  /** Folder of all dumps; it is there. */
  readonly parent: string;
  /** From `formatDumpName`. */
  readonly name: string;
  /** Go on in the folder of that name that an agent which died has begun. */
  readonly adopt: boolean;
  close(): void;
};

/** @throws FilesError `files/read-only`, `files/no-space`, … when the folder cannot be made. */
export function openFolderStore(system: System, { parent, name, adopt, close }: FolderStoreRequest): DumpStore {
  const folder = adopt ? `${parent}/${name}` : freeName(system, `${parent}/${name}`);
  system.files.makeFolder(folder, 0o700);
  system.files.sync(parent);
  const path = (file: string) => `${folder}/${file}`;
  return {
    where: folder,
    folder,
    freeBytes: () => system.files.space(folder).freeBytes,
    memory: { path: path(dumpFiles.memory), system, flattened: false },
    save(file, content) {
      const sink = system.createFile(path(file + unfinished), { overwrite: true });
      try {
        sink.write(0, typeof content === 'string' ? encodeText(content) : content);
        sink.sync();
      } finally {
        sink.close();
      }
      system.rename(path(file + unfinished), path(file));
      if (file === dumpFiles.log) system.files.remove(path(file + unfinished));
    },
    finishMemory() {},
    storedFiles: () => [dumpFiles.dmesg, dumpFiles.memory].flatMap((file) => storedFile(system, folder, file)),
    sha256: (file, onBytes) => system.files.sha256(path(file), onBytes),
    countRecent: (timeMs, windowMs) => countRecent(system, parent, folder, { timeMs, windowMs }),
    reserve: () => system.files.write(path(dumpFiles.manifest + unfinished), new Uint8Array(manifestBytes), 0o600),
    keepLog: (text) => system.files.write(path(dumpFiles.log + unfinished), text, 0o600),
    close,
  };
}

/** A second capture within one second gets a number. */
function freeName({ files }: System, folder: string): string {
  for (let number = 2, path = folder; number < 1000; number++) {
    if (files.linkStatus(path) === undefined) return path;
    path = `${folder}.${number}`;
  }
  return folder;
}

function storedFile({ files }: System, folder: string, name: string): readonly StoredFile[] {
  for (const stored of [name, name + unfinished]) {
    const status = files.linkStatus(`${folder}/${stored}`);
    if (status?.kind === 'file') return [{ name: stored, sizeBytes: status.sizeBytes, complete: stored === name }];
  }
  return [];
}

function countRecent({ files }: System, parent: string, own: string, { timeMs, windowMs }: { timeMs: number; windowMs: number }): number {
  const host = parseDumpName(own.slice(parent.length + 1))?.host;
  return files.list(parent).filter((entry) => {
    const name = parseDumpName(entry);
    if (name === undefined || name.host !== host || `${parent}/${entry}` === own) return false;
    // A clock that was set back makes earlier captures lie in the future: they count like those of the past.
    return Math.abs(name.timeMs - timeMs) <= windowMs && files.linkStatus(`${parent}/${entry}`)?.kind === 'folder';
  }).length;
}
