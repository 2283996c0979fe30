/**
 * Dumps inside a `.zip`, read in place.
 *
 * A stored member is a slice of the archive and is read there. A deflated one is unpacked once into a temporary file that has no name any more
 * by the time the first byte is in it. Nothing is ever written under a name from the archive.
 */
import fs from 'node:fs';
import StreamZip from 'node-stream-zip';
import type { ArchiveMember, DumpArchive, OpenMemberOptions } from '../vmcore/dump-archive.ts';
import { type MemoryFile, VmcoreError } from '../vmcore/memory-file.ts';
import { reasonOf } from './errno.ts';
import { openSlice } from './file-slice.ts';
import { inflateStart, unpackMember } from './unpack-member.ts';
import { checkZipDirectory } from './zip-directory.ts';
import { checkCrc } from './zip-crc.ts';

type Open = (path: string) => MemoryFile;
/** `fnameLen` and `extraLen` are those of the local header once the entry was opened; the package's types leave them out. */
type Entry = StreamZip.ZipEntry & { readonly fnameLen: number; readonly extraLen: number };

const stored = 0;
const deflated = 8;
const localHeaderBytes = 30;
/** How many members are looked into for the first bytes of a dump. */
const maxProbed = 1000;
const probeBytes = 4096;
/** A larger stored member is read without a look at its checksum, which would mean reading all of it first. */
const maxCheckedBytes = 1024 ** 3;
const defaultMaxUnpackedBytes = 64 * 1024 ** 3;

/**
 * @param open how this system opens a file.
 * @throws VmcoreError `vmcore/open`, `vmcore/bad-archive`.
 */
export async function openZipArchive(path: string, open: Open): Promise<DumpArchive> {
  const file = open(path);
  const fd = fs.openSync(path, 'r');
  try {
    checkZipDirectory(file);
    const { zip, entries } = await readEntries(path, fd);
    const members = new Map<ArchiveMember, Entry>();
    for (const entry of entries) members.set(await describe(zip, file, entry, members.size < maxProbed), entry);
    return new ZipArchive(file, fd, zip, members, open);
  } catch (error) {
    guards.delete(fd);
    fs.closeSync(fd);
    file.close();
    throw error;
  }
}

class ZipArchive implements DumpArchive {
  readonly members: readonly ArchiveMember[];
  readonly #file: MemoryFile;
  readonly #fd: number;
  readonly #zip: StreamZip;
  readonly #entries: ReadonlyMap<ArchiveMember, Entry>;
  readonly #open: Open;
  #closed = false;

  constructor(file: MemoryFile, fd: number, zip: StreamZip, entries: ReadonlyMap<ArchiveMember, Entry>, open: Open) {
    this.#file = file;
    this.#fd = fd;
    this.#zip = zip;
    this.#entries = entries;
    this.#open = open;
    this.members = [...entries.keys()];
  }

  get path(): string {
    return this.#file.path;
  }

  async open(member: ArchiveMember, options: OpenMemberOptions = {}): Promise<MemoryFile> {
    const entry = this.#entries.get(member);
    const name = `${this.path}:${member.name}`;
    if (entry === undefined) throw new VmcoreError('vmcore/open', `Cannot open "${name}": not a member of this archive`);
    if (member.encrypted) throw unsupported(name, 'it is encrypted', 'Unpack it with its password first.');
    if (member.method === 'unsupported') throw unsupported(name, 'it is packed in a way other than deflate', 'Unpack it first.');
    const start = await locateData(this.#zip, this.#file, entry);
    if (member.method === 'stored') {
      const slice = openSlice(this.#open(this.path), start, member.sizeBytes, name);
      if (member.sizeBytes <= maxCheckedBytes) closeOnError(slice, () => checkCrc(slice, entry.crc, options.onProgress));
      return slice;
    }
    const limit = options.maxUnpackedBytes ?? defaultMaxUnpackedBytes;
    if (member.sizeBytes > limit)
      throw unsupported(
        name,
        `it unpacks to ${member.sizeBytes} bytes, more than ${limit}`,
        'Unpack it first, or allow more with --max-unpacked.',
      );
    const packed = openSlice(this.#file, start, member.packedBytes, name);
    return unpackMember(packed, member.sizeBytes, entry.crc, this.#open, options.onProgress);
  }

  close(): void {
    if (this.#closed) return;
    this.#closed = true;
    guards.delete(this.#fd);
    fs.closeSync(this.#fd);
    this.#file.close();
  }
}

/** Files only, in the order of the archive. */
function readEntries(path: string, fd: number): Promise<{ zip: StreamZip; entries: Entry[] }> {
  return new Promise((resolve, reject) => {
    const fail = (cause: unknown) => {
      reject(
        new VmcoreError('vmcore/bad-archive', `Cannot read the zip directory of "${path}": ${reasonOf(cause)}`, { where: path, cause }),
      );
    };
    guards.set(fd, fail);
    const entries: Entry[] = [];
    const zip = new StreamZip({ fd, storeEntries: false, skipEntryNameValidation: true });
    zip.on('error', fail);
    zip.on('entry', (entry) => {
      if (entry.isFile) entries.push(entry as Entry);
    });
    zip.on('ready', () => resolve({ zip, entries }));
  });
}

async function describe(zip: StreamZip, file: MemoryFile, entry: Entry, probe: boolean): Promise<ArchiveMember> {
  const { method, encrypted } = entry;
  const member = {
    name: entry.name,
    sizeBytes: entry.size,
    packedBytes: entry.compressedSize,
    method: method === stored ? 'stored' : method === deflated ? 'deflated' : 'unsupported',
    encrypted,
  } as const;
  const readable = probe && !encrypted && member.method !== 'unsupported' && entry.size > 0;
  return { ...member, isDump: readable && (await startsLikeDump(zip, file, entry)) };
}

/** A member that cannot even be located is no dump; opening it says why. */
async function startsLikeDump(zip: StreamZip, file: MemoryFile, entry: Entry): Promise<boolean> {
  const isDeflated = entry.method === deflated;
  try {
    const start = await locateData(zip, file, entry);
    const bytes = new Uint8Array(Math.min(probeBytes, entry.compressedSize));
    file.read(start, bytes);
    return isDumpStart(isDeflated ? inflateStart(bytes) : bytes);
  } catch (error) {
    if (error instanceof VmcoreError) return false;
    throw error;
  }
}

/** An ELF core file, a kdump-compressed dump, a flattened one. */
function isDumpStart(bytes: Uint8Array): boolean {
  const text = Buffer.from(bytes.subarray(0, 20)).toString('latin1');
  if (text.startsWith('\x7fELF')) return bytes[16] === 4 || bytes[17] === 4;
  return text.startsWith('KDUMP   ') || text.startsWith('DISKDUMP') || text.startsWith('makedumpfile\0');
}

/** Where the member's bytes begin; its local header is checked against the directory. */
async function locateData(zip: StreamZip, file: MemoryFile, entry: Entry): Promise<number> {
  const { method, compressedSize, size } = entry;
  const fail = (why: string, cause?: unknown) =>
    new VmcoreError('vmcore/bad-archive', `Cannot read "${entry.name}" in "${file.path}": ${why}`, { where: file.path, cause });
  await new Promise<void>((resolve, reject) => {
    zip.openEntry(entry, (cause) => (cause ? reject(cause) : resolve()), true);
  }).catch((cause: unknown) => {
    throw fail(reasonOf(cause), cause);
  });
  const start = entry.offset + localHeaderBytes + entry.fnameLen + entry.extraLen;
  if (entry.method !== method) throw fail(`it is packed by method ${entry.method}, expected ${method} as the directory says`);
  if (start + compressedSize > file.sizeBytes) throw fail(`it ends beyond the end of the archive at ${file.sizeBytes}`);
  if (method === stored && compressedSize !== size) throw fail(`${compressedSize} stored bytes, expected ${size}`);
  return start;
}

function closeOnError(file: MemoryFile, action: () => void): void {
  try {
    action();
  } catch (error) {
    file.close();
    throw error;
  }
}

function unsupported(name: string, why: string, hint: string): VmcoreError {
  return new VmcoreError('vmcore/unsupported', `Cannot open "${name}": ${why}`, { where: name, hint });
}

/**
 * The library parses in callbacks of `fs` calls, where an exception has no catcher and would end the process. These two wrappers hand it to
 * whoever reads that archive.
 */
const guards = new Map<number, (error: unknown) => void>();
type Callback = (error: unknown, result: unknown) => void;

function guarded(fd: number, callback: Callback): Callback {
  return (error, result) => {
    try {
      callback(error, result);
    } catch (fault) {
      const guard = guards.get(fd);
      if (guard === undefined) throw fault;
      guard(fault);
    }
  };
}

const guardedFs = {
  ...fs,
  fstat: (fd: number, callback: Callback) => fs.fstat(fd, guarded(fd, callback)),
  read: (fd: number, buffer: Uint8Array, offset: number, length: number, position: number, callback: Callback) =>
    fs.read(fd, buffer, offset, length, position, guarded(fd, callback)),
};
// The package's types leave this one out.
(StreamZip as unknown as { setFs(replacement: unknown): void }).setFs(guardedFs);
