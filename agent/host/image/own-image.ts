/**
 * An image without any generator: what the capture needs, a shell, and nothing else. For embedded systems, and the smallest one elsewhere.
 *
 * Two cpio archives in one file: the payload as it is, since nothing makes it smaller, and the rest with gzip, which every kernel unpacks. While it
 * unpacks, the kernel holds the file and what comes out of it: that, not the capture, is what asks for the most memory.
 */
import { gzipSync } from 'node:zlib';
import { encodeText } from '../../binary/text.ts';
import { imagePaths } from '../../config/armed-plan.ts';
import type { System } from '../../sys/system.ts';
import type { Requirements } from '../requirements/requirements.ts';
import { type CpioEntry, createCpioWriter, fileTypes } from './cpio.ts';
import { collectLibraries } from './library-closure.ts';

type Placed = Pick<CpioEntry, 'mode' | 'device'> & { readonly source?: string; readonly link?: string };

type Entry = readonly [path: string, placed: Placed];

const emptyFolders = ['/dev', '/proc', '/sys', '/run', '/run/lock', '/tmp', '/mnt', '/var', '/var/lib'];
const maxLinks = 16;

/**
 * Writes the image: under an unfinished name first, mode 0600.
 * @returns its size in bytes.
 * @throws SinkError, FilesError, ImageError.
 */
export function writeOwnImage(system: System, requirements: Requirements, path: string): number {
  const entries = planEntries(system, requirements);
  const unfinished = `${path}-incomplete`;
  const sink = system.createFile(unfinished, { overwrite: true });
  let sizeBytes = 0;
  const write = (bytes: Uint8Array) => {
    sink.write(sizeBytes, bytes);
    sizeBytes += bytes.length;
  };
  try {
    writeArchive(system, entries.filter(isPayloadPart), write);
    const pieces: Uint8Array[] = [];
    writeArchive(
      system,
      entries.filter((entry) => !isPayloadPart(entry)),
      (bytes) => pieces.push(bytes),
    );
    write(gzipSync(Buffer.concat(pieces), { level: 9 }));
    sink.sync();
  } catch (error) {
    sink.close();
    system.remove(unfinished);
    throw error;
  }
  sink.close();
  system.rename(unfinished, path);
  return sizeBytes;
}

/** The payload and the folders it lies in. */
function isPayloadPart([path]: Entry): boolean {
  return path === imagePaths.payload || imagePaths.payload.startsWith(`${path}/`);
}

function writeArchive(system: System, entries: readonly Entry[], write: (bytes: Uint8Array) => void): void {
  const writer = createCpioWriter(write);
  for (const [path, { mode, device, source, link }] of entries) {
    const content = source !== undefined ? system.files.readBytes(source) : link !== undefined ? encodeText(link) : undefined;
    writer.add({ path, mode, device, content });
  }
  writer.finish();
}

/** Every entry by its path, each folder before what is in it. */
function planEntries(system: System, { folders, files, programs, links, libraries, firmware }: Requirements): readonly Entry[] {
  const placed = new Map<string, Placed>();
  const executables = [...programs, system.executablePath];
  for (const path of emptyFolders) placed.set(path, { mode: fileTypes.folder | 0o755 });
  for (const { path, mode } of folders) placed.set(path, { mode: fileTypes.folder | mode });
  // For a kernel without devtmpfs, and for the moment before it is mounted.
  placed.set('/dev/null', { mode: fileTypes.character | 0o666, device: { major: 1, minor: 3 } });
  placed.set('/dev/console', { mode: fileTypes.character | 0o600, device: { major: 5, minor: 1 } });
  for (const { source, destination, mode } of files) placed.set(destination, { mode: fileTypes.file | mode, source });
  for (const path of programs) placeProgram(system, placed, path);
  for (const { path, target } of links) if (!placed.has(path)) placed.set(path, { mode: fileTypes.link | 0o777, link: target });
  for (const { source, destination } of collectLibraries(system, executables, libraries))
    placed.set(destination, { mode: fileTypes.file | 0o755, source });
  for (const name of firmware) placed.set(`/lib/firmware/${name}`, { mode: fileTypes.file | 0o644, source: `/lib/firmware/${name}` });
  return withParents(placed);
}

/** A program at its place, with every link on the way to it. */
function placeProgram({ files }: System, placed: Map<string, Placed>, program: string): void {
  let path = program;
  for (let count = 0; count < maxLinks; count++) {
    const target = files.readLink(path);
    if (target === undefined) break;
    placed.set(path, { mode: fileTypes.link | 0o777, link: target });
    path = target.startsWith('/') ? target : resolveBeside(path, target);
  }
  placed.set(path, { mode: fileTypes.file | 0o755, source: path });
}

function resolveBeside(path: string, target: string): string {
  return new URL(target, `file://${path}`).pathname;
}

function withParents(placed: ReadonlyMap<string, Placed>): readonly Entry[] {
  const all = new Map(placed);
  for (const path of placed.keys()) {
    for (let end = path.lastIndexOf('/'); end > 0; end = path.lastIndexOf('/', end - 1)) {
      const parent = path.slice(0, end);
      if (!all.has(parent)) all.set(parent, { mode: fileTypes.folder | 0o755 });
    }
  }
  return [...all].sort(([a], [b]) => (a < b ? -1 : 1));
}
