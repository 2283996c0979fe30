/**
 * The head of an ELF vmcore: which machine it is, and its program headers.
 *
 * Comes in: a file. Goes out: plain numbers, every one checked against the size of the file, so that nothing to the right
 * allocates or loops by a count the file cannot hold.
 */
import type { StructValue } from '../binary/struct.ts';
import { hex } from '../binary/units.ts';
import {
  EI_CLASS,
  EI_DATA,
  ELFCLASS64,
  ELFDATA2LSB,
  EM_AARCH64,
  EM_X86_64,
  ET_CORE,
  elfHeader,
  PN_XNUM,
  PT_LOAD,
  PT_NOTE,
  programHeader,
  sectionHeader,
} from './elf-layout.ts';
import { type MemoryFile, VmcoreError } from './memory-file.ts';
import type { LoadSegment, Machine } from './physical-memory.ts';

export type ElfHead = {
  readonly machine: Machine;
  /** `e_flags`; bit `DUMP_ELF_INCOMPLETE` marks a dump that was cut short. */
  readonly flags: number;
  /** Where the PT_NOTE segments lie in the file, in the order of their headers. */
  readonly noteSegments: readonly { readonly fileOffset: number; readonly fileBytes: number }[];
  readonly loadSegments: readonly LoadSegment[];
};

/** Physical addresses end here on both machines. */
const PHYSICAL_LIMIT = 2 ** 52;
/** 1.2 million program headers: more than a machine of 64 TiB in runs of 256 dropped pages has made in practice. */
const MAX_TABLE_BYTES = 64 * 1024 * 1024;
const machines: { readonly [machine: number]: Machine } = { [EM_X86_64]: 'x86_64', [EM_AARCH64]: 'aarch64' };

/** True when the first bytes are those of an ELF file; `head` may be shorter than a header. */
export function looksLikeElf(head: Uint8Array): boolean {
  return head.length >= 4 && head[0] === 0x7f && head[1] === 0x45 && head[2] === 0x4c && head[3] === 0x46;
}

/**
 * Reads and checks the ELF header and all program headers.
 *
 * @throws VmcoreError `vmcore/not-elf`, `vmcore/unsupported` (32 bits, big endian, not a core, another machine), `vmcore/bad-header`
 *   (a size or offset that makes no sense), `vmcore/short-read` (the file ends before what the headers promise), `vmcore/io`.
 */
export function readElfHead(file: MemoryFile): ElfHead {
  const header = readHeader(file);
  const bytes = new Uint8Array(checkTable(file, header, countProgramHeaders(file, header)));
  file.read(Number(header.phoff), bytes);
  const noteSegments: { fileOffset: number; fileBytes: number }[] = [];
  const loadSegments: LoadSegment[] = [];
  for (let at = 0; at < bytes.length; at += programHeader.sizeBytes) {
    const entry = programHeader.read(bytes, at);
    const where = Number(header.phoff) + at;
    if (entry.type === PT_NOTE) noteSegments.push(checkFilePart(file, where, entry.offset, entry.filesz));
    if (entry.type === PT_LOAD) loadSegments.push(checkLoad(file, where, entry));
  }
  return { machine: machines[header.machine], flags: header.flags, noteSegments, loadSegments };
}

type Header = StructValue<typeof elfHeader.fields>;
type Entry = StructValue<typeof programHeader.fields>;

function readHeader(file: MemoryFile): Header {
  const bytes = new Uint8Array(Math.min(elfHeader.sizeBytes, file.sizeBytes));
  file.read(0, bytes);
  if (!looksLikeElf(bytes)) fail(file, 'vmcore/not-elf', 'ELF header', 0, 'other bytes', '7f 45 4c 46');
  if (bytes.length < elfHeader.sizeBytes) {
    fail(file, 'vmcore/short-read', 'ELF header', 0, `${bytes.length} bytes`, `${elfHeader.sizeBytes}`);
  }
  const header = elfHeader.read(bytes);
  const [fileClass, byteOrder] = [header.ident[EI_CLASS], header.ident[EI_DATA]];
  if (fileClass !== ELFCLASS64) fail(file, 'vmcore/unsupported', 'ELF class', EI_CLASS, `${fileClass}`, `${ELFCLASS64} (64 bits)`);
  if (byteOrder !== ELFDATA2LSB) {
    fail(file, 'vmcore/unsupported', 'byte order', EI_DATA, `${byteOrder}`, `${ELFDATA2LSB} (little endian)`);
  }
  if (header.type !== ET_CORE) fail(file, 'vmcore/unsupported', 'ELF type', 16, `${header.type}`, `${ET_CORE} (core)`);
  if (machines[header.machine] === undefined) {
    fail(file, 'vmcore/unsupported', 'machine', 18, `${header.machine}`, `${EM_X86_64} (x86_64) or ${EM_AARCH64} (aarch64)`);
  }
  if (header.phentsize !== programHeader.sizeBytes) {
    fail(file, 'vmcore/bad-header', 'program header size', 54, `${header.phentsize}`, `${programHeader.sizeBytes}`);
  }
  return header;
}

function countProgramHeaders(file: MemoryFile, header: Header): number {
  if (header.phnum !== PN_XNUM) return header.phnum;
  if (header.shoff === 0n) fail(file, 'vmcore/bad-header', 'section header', 40, 'none', 'one, with the count of program headers');
  const { fileOffset } = checkFilePart(file, 40, header.shoff, BigInt(sectionHeader.sizeBytes));
  const bytes = new Uint8Array(sectionHeader.sizeBytes);
  file.read(fileOffset, bytes);
  return sectionHeader.read(bytes).info;
}

/** @returns bytes of the table. */
function checkTable(file: MemoryFile, header: Header, count: number): number {
  const { fileBytes } = checkFilePart(file, 32, header.phoff, BigInt(count) * BigInt(programHeader.sizeBytes));
  if (count === 0) fail(file, 'vmcore/bad-header', 'program headers', 56, 'none', 'at least one');
  if (fileBytes > MAX_TABLE_BYTES) {
    fail(
      file,
      'vmcore/bad-header',
      'program headers',
      56,
      `${count} of them`,
      `at most ${Math.floor(MAX_TABLE_BYTES / programHeader.sizeBytes)}`,
    );
  }
  return fileBytes;
}

function checkLoad(file: MemoryFile, where: number, entry: Entry): LoadSegment {
  const end = entry.paddr + entry.memsz;
  if (end > BigInt(PHYSICAL_LIMIT)) {
    fail(file, 'vmcore/bad-header', 'PT_LOAD', where, `physical end ${hex(end)}`, `at most ${hex(PHYSICAL_LIMIT)}`);
  }
  if (entry.filesz > entry.memsz) {
    fail(file, 'vmcore/bad-header', 'PT_LOAD', where, `${entry.filesz} bytes in the file`, `at most the ${entry.memsz} in memory`);
  }
  const part = entry.filesz === 0n ? { fileOffset: 0, fileBytes: 0 } : checkFilePart(file, where, entry.offset, entry.filesz);
  return {
    ...part,
    virtualAddress: entry.vaddr,
    physicalAddress: Number(entry.paddr),
    memoryBytes: Number(entry.memsz),
    flags: entry.flags,
    alignBytes: entry.align,
  };
}

/** A part of the file that a field at `where` points to; both numbers are exact once it lies inside the file. */
function checkFilePart(file: MemoryFile, where: number, offset: bigint, length: bigint): { fileOffset: number; fileBytes: number } {
  if (offset + length > BigInt(file.sizeBytes)) {
    const found = `${length} bytes at ${hex(offset)}`;
    fail(file, 'vmcore/short-read', 'what a header points to', where, found, `an end within the file's ${file.sizeBytes} bytes`);
  }
  return { fileOffset: Number(offset), fileBytes: Number(length) };
}

function fail(file: MemoryFile, code: string, what: string, offset: number, found: string, wanted: string): never {
  const where = `"${file.path}" at ${hex(offset)}`;
  throw new VmcoreError(code, `Cannot read ${what} of ${where}: ${found}, expected ${wanted}`, { where });
}
