/**
 * A vmcore made without the capture kernel: QEMU's copy of the machine's memory behind ELF headers like those of `/proc/vmcore`.
 *
 * Comes in: memory by guest address, and what the healthy kernel said of it: `/proc/iomem`, the program headers of `/proc/kcore`, the place of
 * VMCOREINFO. Goes out: an ELF64 file for makedumpfile and the other witnesses. It has no notes of the CPUs.
 *
 * @source Linux, arch/x86/kernel/crash.c: System RAM without the first MiB and without the reservation; fs/proc/vmcore.c
 */
import { closeSync, openSync, readFileSync, readSync, writeFileSync } from 'node:fs';
import { command } from '../command.ts';

/** End exclusive. */
type Range = { readonly start: number; readonly end: number };
type Load = Range & { readonly virtual: bigint };

const lowMemoryEnd = 0x100000;
const pageSize = 4096;
const headerSize = 64;
const entrySize = 56;
const [loadType, noteType] = [1, 4];

/** Shell that records what the healthy kernel says, into the folder given. */
export function recordMemoryMap(folder: string): string {
  return `mkdir -p ${folder} && cat /proc/iomem >${folder}/iomem && head -c 65536 /proc/kcore >${folder}/kcore && cat /sys/kernel/vmcoreinfo >${folder}/vmcoreinfo`;
}

/**
 * @param memory File of guest memory; offset is address.
 * @param mapFolder What recordMemoryMap left.
 */
export function buildMemoryVmcore(memory: string, mapFolder: string, target: string): void {
  const iomem = readFileSync(`${mapFolder}/iomem`, 'utf8');
  const kcore = kcoreLoads(readFileSync(`${mapFolder}/kcore`));
  const loads = [kernelText(iomem, kcore), ...dumpedRanges(iomem).map((range) => ({ ...range, virtual: virtualOf(range, kcore) }))];
  const note = readNote(memory, readFileSync(`${mapFolder}/vmcoreinfo`, 'utf8'));
  writeElf(target, loads, note, memory);
}

function ranges(iomem: string, pattern: RegExp): readonly Range[] {
  return [...iomem.matchAll(pattern)].map(([, start, end]) => ({ start: Number.parseInt(start, 16), end: Number.parseInt(end, 16) + 1 }));
}

/** System RAM without the first MiB and the reservation, cut to whole pages. */
function dumpedRanges(iomem: string): readonly Range[] {
  const holes = [{ start: 0, end: lowMemoryEnd }, ...ranges(iomem, /^ +([0-9a-f]+)-([0-9a-f]+) : Crash kernel$/gm)];
  let left = ranges(iomem, /^([0-9a-f]+)-([0-9a-f]+) : System RAM$/gm);
  for (const hole of holes) {
    left = left.flatMap(({ start, end }) => [
      { start, end: Math.min(end, hole.start) },
      { start: Math.max(start, hole.end), end },
    ]);
    left = left.filter(
      ({ start, end }, index) => end > start && left.findIndex((other) => other.start === start && other.end === end) === index,
    );
  }
  return left.map(({ start, end }) => ({ start: Math.ceil(start / pageSize) * pageSize, end: Math.floor(end / pageSize) * pageSize }));
}

function kernelText(iomem: string, kcore: readonly Load[]): Load {
  const [start] = ranges(iomem, /^ +([0-9a-f]+)-([0-9a-f]+) : Kernel code$/gm);
  const [end] = ranges(iomem, /^ +([0-9a-f]+)-([0-9a-f]+) : Kernel bss$/gm);
  // kcore maps the kernel's text where it is linked, besides the linear map.
  const text = kcore.find((load) => load.start <= start.start && load.end > start.start && load.virtual >= 0xffffffff80000000n);
  if (text === undefined) throw new Error('Cannot find where the kernel text is mapped: /proc/kcore has no such range');
  return { start: start.start, end: Math.ceil(end.end / pageSize) * pageSize, virtual: text.virtual + BigInt(start.start - text.start) };
}

function virtualOf(range: Range, kcore: readonly Load[]): bigint {
  const load = kcore.find(({ start, end, virtual }) => start <= range.start && range.end <= end && virtual < 0xffffffff80000000n);
  if (load === undefined)
    throw new Error(`Cannot find where memory at 0x${range.start.toString(16)} is mapped: /proc/kcore has no such range`);
  return load.virtual + BigInt(range.start - load.start);
}

/** Program headers with a physical address; the others are vmalloc and its like. */
function kcoreLoads(bytes: Buffer): readonly Load[] {
  const [table, count] = [Number(bytes.readBigUInt64LE(32)), bytes.readUInt16LE(56)];
  return Array.from({ length: count }, (_, index) => table + index * entrySize)
    .filter((at) => bytes.readUInt32LE(at) === loadType && bytes.readBigUInt64LE(at + 24) !== 0xffffffffffffffffn)
    .map((at) => {
      const start = Number(bytes.readBigUInt64LE(at + 24));
      return { start, end: start + Number(bytes.readBigUInt64LE(at + 40)), virtual: bytes.readBigUInt64LE(at + 16) };
    });
}

/** The VMCOREINFO note, header and all, as the crashed kernel left it in its memory. */
function readNote(memory: string, place: string): Buffer {
  const [address, size] = place
    .trim()
    .split(' ')
    .map((word) => Number.parseInt(word, 16));
  const note = Buffer.alloc(size);
  const fd = openSync(memory, 'r');
  try {
    readSync(fd, note, 0, size, address);
  } finally {
    closeSync(fd);
  }
  if (note.toString('latin1', 12, 22) !== 'VMCOREINFO') throw new Error(`Cannot find VMCOREINFO at 0x${address.toString(16)} of ${memory}`);
  // Behind the note the kernel leaves zeros, which would read as empty notes.
  return note.subarray(0, 12 + 12 + Math.ceil(note.readUInt32LE(4) / 4) * 4);
}

function writeElf(target: string, loads: readonly Load[], note: Buffer, memory: string): void {
  const head = Buffer.alloc(Math.ceil((headerSize + entrySize * (loads.length + 1) + note.length) / pageSize) * pageSize);
  head.write('\x7fELF\x02\x01\x01', 'latin1');
  head.writeUInt16LE(4, 16);
  head.writeUInt16LE(62, 18);
  head.writeUInt32LE(1, 20);
  head.writeBigUInt64LE(BigInt(headerSize), 32);
  head.writeUInt16LE(headerSize, 52);
  head.writeUInt16LE(entrySize, 54);
  head.writeUInt16LE(loads.length + 1, 56);
  const noteAt = headerSize + entrySize * (loads.length + 1);
  writeEntry(head, 0, noteType, { offset: noteAt, size: note.length, physical: 0, virtual: 0n });
  note.copy(head, noteAt);
  let offset = head.length;
  const copies = loads.map(({ start, end, virtual }, index) => {
    const size = end - start;
    writeEntry(head, index + 1, loadType, { offset, size, physical: start, virtual });
    const at = offset;
    offset += Math.ceil(size / pageSize) * pageSize;
    return { start, size, at };
  });
  writeFileSync(target, head);
  for (const { start, size, at } of copies) {
    const words = ['bs=4M', 'conv=sparse,notrunc', 'iflag=skip_bytes,count_bytes', 'oflag=seek_bytes', 'status=none'];
    command(['dd', `if=${memory}`, `of=${target}`, `skip=${start}`, `count=${size}`, `seek=${at}`, ...words]);
  }
  command(['truncate', '-s', `${offset}`, target]);
}

type Entry = { readonly offset: number; readonly size: number; readonly physical: number; readonly virtual: bigint };

function writeEntry(head: Buffer, index: number, type: number, { offset, size, physical, virtual }: Entry): void {
  const at = headerSize + index * entrySize;
  head.writeUInt32LE(type, at);
  head.writeBigUInt64LE(BigInt(offset), at + 8);
  head.writeBigUInt64LE(virtual, at + 16);
  head.writeBigUInt64LE(BigInt(physical), at + 24);
  head.writeBigUInt64LE(BigInt(size), at + 32);
  head.writeBigUInt64LE(BigInt(size), at + 40);
}
