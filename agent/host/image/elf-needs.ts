/**
 * What an ELF program or library is linked to: its loader, the libraries it names, where it says they are.
 *
 * Comes in: the bytes of a file, hostile for all we know. Goes out: texts; nothing for a file that is not ELF of 64 bits, little endian.
 *
 * @source System V ABI, chapter 5 (dynamic section); uapi/linux/elf.h
 */
import { decodeText } from '../../binary/text.ts';
import { elfHeader, programHeader } from '../../vmcore/elf-layout.ts';

export type ElfNeeds = {
  readonly machine: number;
  /** PT_INTERP: the dynamic loader; `undefined` for a static program and for libraries. */
  readonly interpreter: string | undefined;
  /** DT_NEEDED, e.g. `libc.so.6`. */
  readonly libraries: readonly string[];
  /** DT_RUNPATH or DT_RPATH, split at colons; may hold `$ORIGIN`. */
  readonly searchPath: readonly string[];
};

type Segment = { readonly type: number; readonly offset: number; readonly address: number; readonly sizeBytes: number };
type Dynamic = { readonly tag: number; readonly value: number };

const PT_LOAD = 1;
const PT_DYNAMIC = 2;
const PT_INTERP = 3;
const DT_NEEDED = 1;
const DT_STRTAB = 5;
const DT_RPATH = 15;
const DT_RUNPATH = 29;
const maxSegments = 256;
const maxDynamicEntries = 4096;
const maxTextBytes = 4096;

export function readElfNeeds(bytes: Uint8Array): ElfNeeds | undefined {
  const isElf64 = bytes.length >= elfHeader.sizeBytes && bytes[0] === 0x7f && bytes[1] === 0x45 && bytes[2] === 0x4c && bytes[3] === 0x46;
  if (!isElf64 || bytes[4] !== 2 || bytes[5] !== 1) return undefined;
  const header = elfHeader.read(bytes);
  const segments = readSegments(bytes, Number(header.phoff), header.phnum);
  const entries = readDynamic(bytes, segments);
  const table = fileOffset(segments, entries.find(({ tag }) => tag === DT_STRTAB)?.value);
  const texts = (wanted: number) =>
    table === undefined ? [] : entries.filter(({ tag }) => tag === wanted).map(({ value }) => readText(bytes, table + value));
  const interpreter = segments.find(({ type }) => type === PT_INTERP);
  const runPath = texts(DT_RUNPATH);
  return {
    machine: header.machine,
    interpreter: interpreter === undefined ? undefined : readText(bytes, interpreter.offset),
    libraries: texts(DT_NEEDED).filter((name) => name !== ''),
    searchPath: (runPath.length > 0 ? runPath : texts(DT_RPATH)).flatMap((text) => text.split(':')).filter((folder) => folder !== ''),
  };
}

function readSegments(bytes: Uint8Array, start: number, count: number): readonly Segment[] {
  const segments: Segment[] = [];
  for (let index = 0; index < Math.min(count, maxSegments); index++) {
    const at = start + index * programHeader.sizeBytes;
    if (at + programHeader.sizeBytes > bytes.length) break;
    const { type, offset, vaddr, filesz } = programHeader.read(bytes, at);
    segments.push({ type, offset: Number(offset), address: Number(vaddr), sizeBytes: Number(filesz) });
  }
  return segments;
}

function readDynamic(bytes: Uint8Array, segments: readonly Segment[]): readonly Dynamic[] {
  const segment = segments.find(({ type }) => type === PT_DYNAMIC);
  if (segment === undefined) return [];
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
  const entries: Dynamic[] = [];
  const end = Math.min(segment.offset + segment.sizeBytes, segment.offset + maxDynamicEntries * 16, bytes.length);
  for (let at = segment.offset; at + 16 <= end; at += 16) {
    entries.push({ tag: Number(view.getBigInt64(at, true)), value: Number(view.getBigUint64(at + 8, true)) });
  }
  return entries;
}

/** Where in the file an address of the running program comes from. */
function fileOffset(segments: readonly Segment[], address: number | undefined): number | undefined {
  if (address === undefined) return undefined;
  const holding = segments.find((part) => part.type === PT_LOAD && address >= part.address && address < part.address + part.sizeBytes);
  return holding === undefined ? undefined : holding.offset + address - holding.address;
}

/** Empty when the offset lies outside. */
function readText(bytes: Uint8Array, offset: number): string {
  return offset >= 0 && offset < bytes.length ? decodeText(bytes.subarray(offset, offset + maxTextBytes)) : '';
}
