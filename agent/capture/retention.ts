/**
 * Makes room for dumps to come by deleting the oldest, once the new one is safe.
 *
 * A folder goes only when it is certainly one of ours: our naming with this host's name, nothing in it but files a capture makes, no links. It is taken apart file by file, never
 * as a tree.
 */
import type { Keep } from '../config/configuration.ts';
import type { System } from '../sys/system.ts';
import { dumpFiles, parseDumpName, safeHost, unfinished } from '../target/dump-name.ts';

export type RetentionRequest = {
  /** Folder of all dumps. */
  readonly parent: string;
  /** Name of the dump that was just saved: it stays. */
  readonly newest: string;
  readonly host: string;
  readonly keep: Keep;
  /** Milliseconds since 1970; `undefined`: the clock is not to be trusted and nothing goes for its age. */
  readonly nowMs: number | undefined;
};

type OldDump = { readonly name: string; readonly timeMs: number; readonly bytes: number; readonly files: readonly string[] };

const known: ReadonlySet<string> = new Set(Object.values(dumpFiles).flatMap((name) => [name, name + unfinished]));
/** One of these makes a folder of our naming ours. */
const marks: readonly string[] = [dumpFiles.manifest, dumpFiles.dmesg, dumpFiles.dmesg + unfinished, dumpFiles.log + unfinished];

/** @returns the names of what was deleted, oldest first. */
export function applyRetention(system: Pick<System, 'files'>, request: RetentionRequest): readonly string[] {
  const { keep } = request;
  if (keep.count === undefined && keep.totalBytes === undefined && keep.ageSeconds === undefined) return [];
  const doomed = chooseDoomed(listDumps(system, request), request);
  for (const { name, files } of doomed) {
    for (const file of files) system.files.remove(`${request.parent}/${name}/${file}`);
    system.files.remove(`${request.parent}/${name}`);
  }
  if (doomed.length > 0) system.files.sync(request.parent);
  return doomed.map(({ name }) => name);
}

/** All dumps of this host, newest first; the new one leads, whatever the clock says. */
function listDumps(system: Pick<System, 'files'>, { parent, newest, host }: RetentionRequest): readonly OldDump[] {
  const dumps = system.files.list(parent).flatMap((name) => {
    const parsed = parseDumpName(name);
    const files = parsed?.host === safeHost(host) ? ownFiles(system, `${parent}/${name}`) : undefined;
    return parsed === undefined || files === undefined ? [] : [{ name, timeMs: parsed.timeMs, ...files }];
  });
  return dumps.toSorted((a, b) => Number(b.name === newest) - Number(a.name === newest) || b.timeMs - a.timeMs);
}

/** What is in a folder that holds nothing but our files; `undefined` for any other. */
function ownFiles({ files }: Pick<System, 'files'>, folder: string): { files: readonly string[]; bytes: number } | undefined {
  if (files.linkStatus(folder)?.kind !== 'folder') return undefined;
  const names = files.list(folder);
  const stats = names.map((name) => files.linkStatus(`${folder}/${name}`));
  const isOurs =
    names.every((name, index) => known.has(name) && stats[index]?.kind === 'file') && names.some((name) => marks.includes(name));
  return isOurs ? { files: names, bytes: stats.reduce((sum, status) => sum + (status?.sizeBytes ?? 0), 0) } : undefined;
}

function chooseDoomed(dumps: readonly OldDump[], { keep, newest, nowMs }: RetentionRequest): readonly OldDump[] {
  let count = 0;
  let bytes = 0;
  const doomed = dumps.filter((dump) => {
    const tooMany = keep.count !== undefined && count >= keep.count;
    const tooLarge = keep.totalBytes !== undefined && bytes + dump.bytes > keep.totalBytes;
    const tooOld = keep.ageSeconds !== undefined && nowMs !== undefined && nowMs - dump.timeMs > keep.ageSeconds * 1000;
    if (dump.name !== newest && (tooMany || tooLarge || tooOld)) return true;
    count++;
    bytes += dump.bytes;
    return false;
  });
  return doomed.reverse();
}
