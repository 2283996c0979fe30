/**
 * The shared libraries programs need, found as the dynamic loader finds them, without running anything.
 *
 * In the image there is no loader cache: a library found by `ld.so.conf` is put beside the C library, where every loader looks.
 *
 * @source ld.so(8); musl, ldso/dynlink.c
 */
import type { System } from '../../sys/system.ts';
import { ImageError } from './cpio.ts';
import { type ElfNeeds, readElfNeeds } from './elf-needs.ts';

/** A file of the machine and where it stands in the image. */
export type PlacedFile = { readonly source: string; readonly destination: string };

type Facts = Pick<System, 'files'>;
type Wanted = { readonly name: string; readonly by: string; readonly needs: ElfNeeds };

const standardFolders = ['/lib64', '/usr/lib64', '/lib', '/usr/lib', '/usr/local/lib'];
const maxConfigurations = 64;

/**
 * @param programs absolute paths; static ones and scripts need nothing.
 * @param extra libraries opened at run time.
 * @throws ImageError `image/no-library`
 */
export function collectLibraries(system: Facts, programs: readonly string[], extra: readonly string[] = []): readonly PlacedFile[] {
  const folders = [...configuredFolders(system), ...standardFolders];
  const placed = new Map<string, PlacedFile>();
  const waiting: Wanted[] = [];
  const read = (path: string) => {
    const needs = readElfNeeds(system.files.readBytes(path));
    for (const name of needs?.libraries ?? []) waiting.push({ name, by: path, needs: needs as ElfNeeds });
    return needs;
  };
  for (const path of programs) {
    const interpreter = read(path)?.interpreter;
    if (interpreter !== undefined) placed.set(interpreter, { source: interpreter, destination: interpreter });
  }
  for (const path of extra) {
    placed.set(baseName(path), { source: path, destination: path });
    read(path);
  }
  const loaders = new Set([...placed.keys()].map(baseName));
  for (let wanted = waiting.pop(); wanted !== undefined; wanted = waiting.pop()) {
    if (placed.has(wanted.name) || loaders.has(wanted.name)) continue;
    const found = findLibrary(system, wanted, folders);
    placed.set(wanted.name, found);
    read(found.source);
  }
  return moveToLoader([...placed.values()]);
}

/** A library by its name, for a program of this machine; `undefined`: not installed. */
export function findRuntimeLibrary(system: Facts, name: string, machine: number): string | undefined {
  return lookUp(system, name, machine, [...configuredFolders(system), ...standardFolders]);
}

function findLibrary(system: Facts, { name, by, needs }: Wanted, folders: readonly string[]): PlacedFile {
  if (name.includes('/')) return { source: name, destination: name };
  const origin = folderOf(system.files.realPath(by) ?? by);
  const own = needs.searchPath.map((folder) => folder.replace(/\$\{?ORIGIN\}?/g, origin)).filter((folder) => folder.startsWith('/'));
  const beside = lookUp(system, name, needs.machine, own);
  if (beside !== undefined) return { source: beside, destination: beside };
  const found = lookUp(system, name, needs.machine, folders);
  if (found !== undefined) return { source: found, destination: '' };
  throw new ImageError('image/no-library', `Cannot find the library "${name}" that "${by}" needs, in ${[...own, ...folders].join(', ')}`, {
    where: by,
    hint: 'Install it, or run ldd on that program to see what is wrong.',
  });
}

function lookUp({ files }: Facts, name: string, machine: number, folders: readonly string[]): string | undefined {
  for (const folder of folders) {
    const path = `${folder}/${name}`;
    if (files.status(path)?.kind !== 'file') continue;
    if (readElfNeeds(files.readBytes(path))?.machine === machine) return path;
  }
  return undefined;
}

/** Those without a place of their own go where the C library is. */
function moveToLoader(placed: readonly PlacedFile[]): readonly PlacedFile[] {
  const main = placed.find(({ source }) => /\/libc\.so\.6$/.test(source)) ?? placed.find(({ source }) => /\/ld-musl/.test(source));
  const folder = main === undefined ? '/lib' : folderOf(main.source);
  return placed.map((row) => (row.destination === '' ? { ...row, destination: `${folder}/${baseName(row.source)}` } : row));
}

/** Folders of `/etc/ld.so.conf` with all it includes, and of musl's list. */
function configuredFolders(system: Facts): readonly string[] {
  const folders: string[] = [];
  const waiting = ['/etc/ld.so.conf'];
  for (let count = 0; waiting.length > 0 && count < maxConfigurations; count++) {
    const text = system.files.readTextIfThere(waiting.shift() as string) ?? '';
    for (const line of text.split('\n').map((row) => row.replace(/#.*/, '').trim())) {
      const [, pattern] = /^include\s+(\S+)$/.exec(line) ?? [];
      if (pattern !== undefined) waiting.push(...expand(system, pattern));
      else folders.push(...line.split(/[\s:,]+/).filter((word) => word.startsWith('/')));
    }
  }
  for (const name of system.files.list('/etc').filter((entry) => /^ld-musl-.*\.path$/.test(entry))) {
    folders.push(...(system.files.readTextIfThere(`/etc/${name}`) ?? '').split(/[\s:]+/).filter((word) => word.startsWith('/')));
  }
  return folders;
}

/** `ld.so.conf.d/*.conf`, relative to `/etc`; stars in the last part only. */
function expand({ files }: Facts, pattern: string): readonly string[] {
  const path = pattern.startsWith('/') ? pattern : `/etc/${pattern}`;
  const last = new RegExp(
    `^${baseName(path)
      .replace(/[.+^${}()|[\]\\?]/g, '\\$&')
      .replaceAll('*', '.*')}$`,
  );
  return files
    .list(folderOf(path))
    .filter((name) => last.test(name))
    .map((name) => `${folderOf(path)}/${name}`);
}

function folderOf(path: string): string {
  return path.slice(0, path.lastIndexOf('/'));
}

function baseName(path: string): string {
  return path.slice(path.lastIndexOf('/') + 1);
}
