/**
 * What lies in a folder of dumps: captures of ours and of other systems, whole or interrupted.
 *
 * Comes in: a folder anyone may have written into. Goes out: plain data; nothing is followed out of the folder, and nothing large is read.
 */
import { KiB, MiB } from '../../binary/units.ts';
import type { Manifest } from '../../capture/manifest.ts';
import { KcaptureError } from '../../errors.ts';
import type { Files } from '../../sys/files-interface.ts';
import { chooseLayout, type FolderName, isLog, isMemory, isUnfinished, readFolderName } from './layouts.ts';
import { readManifest } from './read-manifest.ts';
import { readPanicLine } from './read-log.ts';
import type { Layout, SavedDump, SavedFile, SavedStatus } from './saved-dump.ts';

/** Entries of a folder that are looked at; more than any retention keeps. */
const maxFolders = 10_000;
const maxFiles = 200;
const maxManifestBytes = 4 * MiB;

/** The captures in `folder`, oldest first; empty when the folder is not there or may not be read. */
export function findSaved(files: Files, folder: string): readonly SavedDump[] {
  const found: SavedDump[] = [];
  for (const name of listOrEmpty(files, folder).slice(0, maxFolders)) {
    const dump = readSaved(files, folder, name);
    if (dump !== undefined) found.push(dump);
  }
  return found.sort(byTime);
}

/** By the time in their names, which sorts as text. */
export function byTime(a: SavedDump, b: SavedDump): number {
  return a.time === b.time ? (a.folder < b.folder ? -1 : 1) : a.time < b.time ? -1 : 1;
}

/** One capture; `undefined` when `name` is no folder (a link is none) or no capture is called that. */
export function readSaved(files: Files, parent: string, name: string): SavedDump | undefined {
  const said = readFolderName(name);
  const folder = `${parent === '/' ? '' : parent}/${name}`;
  if (said === undefined || files.linkStatus(folder)?.kind !== 'folder') return undefined;
  return describe(files, folder, name, said);
}

function describe(files: Files, folder: string, name: string, said: FolderName): SavedDump {
  const found = listFiles(files, folder);
  const readPanic = (log: SavedFile) => readPanicLine(files, `${folder}/${log.name}`, log.sizeBytes);
  return describeSaved({ name, folder, said, found, readPanic, ...readManifestIn(files, folder, found) });
}

export type FoundFolder = {
  readonly name: string;
  /** Path or URL. */
  readonly folder: string;
  readonly said: FolderName;
  /** Whose capture it is; by default its files say. */
  readonly layout?: Layout;
  readonly found: readonly SavedFile[];
  readonly manifest?: Manifest;
  /** Why there is no manifest, though there is its file. */
  readonly problem?: string;
  /** The panic as a log says it, for a capture whose manifest does not. */
  readonly readPanic: (log: SavedFile) => string | undefined;
};

/** What a folder's files and its manifest mean, wherever they lie. */
export function describeSaved({ name, folder, said, found, manifest, problem, readPanic, ...given }: FoundFolder): SavedDump {
  const names = found.map((file) => file.name);
  const layout = given.layout ?? chooseLayout(said.layouts, names);
  const log = pick(found, isLog);
  return {
    name,
    folder,
    layout,
    host: manifest?.host ?? said.host,
    time: said.time,
    status: statusOf(layout === 'kcapture', manifest, found),
    sizeBytes: found.reduce((sum, { sizeBytes }) => sum + sizeBytes, 0),
    files: found,
    vmcore: pick(found, isMemory)?.name,
    log: log?.name,
    manifest,
    release: manifest?.release,
    panic: manifest?.panic ?? (log === undefined ? undefined : readPanic(log)),
    problems: [...(problem === undefined ? [] : [problem]), ...compareSizes(manifest, found)],
  };
}

/** Regular files only: a link or a device in such a folder was not put there by a capture. */
function listFiles(files: Files, folder: string): readonly SavedFile[] {
  const found: SavedFile[] = [];
  for (const name of listOrEmpty(files, folder).slice(0, maxFiles)) {
    const status = files.linkStatus(`${folder}/${name}`);
    if (status?.kind === 'file') found.push({ name, sizeBytes: status.sizeBytes, unfinished: isUnfinished(name) });
  }
  return found;
}

function listOrEmpty(files: Files, folder: string): readonly string[] {
  try {
    return files.list(folder);
  } catch {
    return [];
  }
}

function readManifestIn(files: Files, folder: string, found: readonly SavedFile[]): { manifest?: Manifest; problem?: string } {
  const file = found.find(({ name }) => name === 'manifest.json');
  if (file === undefined) return {};
  if (file.sizeBytes > maxManifestBytes) return { problem: `manifest.json has ${Math.round(file.sizeBytes / KiB)} KiB: it is not read` };
  const text = files.readTextIfThere(`${folder}/manifest.json`, maxManifestBytes);
  if (text === undefined) return { problem: 'manifest.json may not be read' };
  try {
    return { manifest: readManifest(text) };
  } catch (error) {
    if (!(error instanceof KcaptureError)) throw error;
    return { problem: error.message };
  }
}

function statusOf(isOurs: boolean, manifest: Manifest | undefined, found: readonly SavedFile[]): SavedStatus {
  if (manifest !== undefined) return manifest.status;
  if (found.length === 0) return 'empty';
  // Our manifest is the last thing written; other systems have none.
  if (isOurs || found.some(({ unfinished }) => unfinished)) return 'interrupted';
  if (found.some(({ name }) => isMemory(name))) return 'complete';
  return found.some(({ name }) => isLog(name)) ? 'dmesg-only' : 'failed';
}

/** The finished one before the unfinished one. */
function pick(found: readonly SavedFile[], wanted: (name: string) => boolean): SavedFile | undefined {
  const fits = found.filter(({ name }) => wanted(name));
  return fits.find(({ unfinished }) => !unfinished) ?? fits[0];
}

function compareSizes(manifest: Manifest | undefined, found: readonly SavedFile[]): readonly string[] {
  return (manifest?.files ?? []).flatMap(({ name, sizeBytes }) => {
    const file = found.find((other) => other.name === name);
    if (file === undefined) return [`"${name}" is gone`];
    return file.sizeBytes === sizeBytes ? [] : [`"${name}" has ${file.sizeBytes} bytes, the manifest says ${sizeBytes}`];
  });
}
