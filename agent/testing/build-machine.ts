/**
 * A small made-up machine for tests of dump formats: which page frames exist and what they hold, and the ELF core
 * that makedumpfile takes as its vmcore. It has no kernel data structures.
 */
import { defineStruct } from '../binary/struct.ts';
import { encodeText } from '../binary/text.ts';
import type { Pfn, PfnRange } from '../binary/units.ts';
import { Bitmap } from '../bitmap/bitmap.ts';

export type TestMachine = {
  readonly pageSize: number;
  readonly ranges: readonly PfnRange[];
  readonly endPfn: Pfn;
  readonly existing: Bitmap;
  readonly notes: Uint8Array;
  /** Where in `notes` the text of VMCOREINFO stands; length 0 when it has none. */
  readonly vmcoreinfo: { readonly offset: number; readonly length: number };
  readonly nrCpus: number;
  /** The content of a page, always the same for the same number. */
  page(pfn: Pfn): Uint8Array;
};

export type TestMachineOptions = {
  readonly pageSize?: number;
  readonly ranges?: readonly PfnRange[];
  /** Default: none, so that makedumpfile asks for no kernel structures. */
  readonly vmcoreinfo?: string;
  readonly nrCpus?: number;
};

export function buildMachine(options: TestMachineOptions = {}): TestMachine {
  const { pageSize = 4096, ranges = defaultRanges, vmcoreinfo = '', nrCpus = 2 } = options;
  const endPfn = ranges.at(-1)?.end ?? 0;
  const prstatus = Array.from({ length: nrCpus }, (_, cpu) => buildNote('CORE', 1, new Uint8Array(336).fill(cpu)));
  const before = concatBytes(prstatus);
  const text = encodeText(vmcoreinfo);
  const info = text.length === 0 ? new Uint8Array(0) : buildNote('VMCOREINFO', 0, text);
  return {
    pageSize,
    ranges,
    endPfn,
    existing: Bitmap.fromRanges(endPfn, ranges),
    notes: concatBytes([before, info]),
    vmcoreinfo: { offset: text.length === 0 ? 0 : before.length + 12 + 12, length: text.length },
    nrCpus,
    page: (pfn) => testPage(pfn, pageSize),
  };
}

const defaultRanges = [
  { start: 1, end: 160 },
  { start: 256, end: 700 },
  { start: 0x10000, end: 0x10123 },
];

/** Every fourth page zero, every fourth noise that no codec shrinks, the others text-like. */
function testPage(pfn: Pfn, pageSize: number): Uint8Array {
  const page = new Uint8Array(pageSize);
  if (pfn % 4 === 0) return page;
  let state = (pfn * 2654435761 + 1) % 0x100000000;
  for (let i = 0; i < pageSize; i++) {
    state ^= state << 13;
    state ^= state >>> 17;
    state ^= state << 5;
    page[i] = pfn % 4 === 3 ? state & 0xff : i % 64 < 40 ? 0x20 + (pfn % 64) : 0x40 + (state & 7);
  }
  return page;
}

export function buildNote(name: string, type: number, description: Uint8Array): Uint8Array {
  const nameBytes = encodeText(`${name}\0`);
  const padded = (bytes: number) => Math.ceil(bytes / 4) * 4;
  const note = new Uint8Array(12 + padded(nameBytes.length) + padded(description.length));
  new Uint32Array(note.buffer, 0, 3).set([nameBytes.length, description.length, type]);
  note.set(nameBytes, 12);
  note.set(description, 12 + padded(nameBytes.length));
  return note;
}

const elfHeader = defineStruct('Elf64_Ehdr', 64, {
  e_ident: [0, { bytes: 16 }],
  e_type: [16, 'u16'],
  e_machine: [18, 'u16'],
  e_version: [20, 'u32'],
  e_phoff: [32, 'u64'],
  e_ehsize: [52, 'u16'],
  e_phentsize: [54, 'u16'],
  e_phnum: [56, 'u16'],
});

const programHeader = defineStruct('Elf64_Phdr', 56, {
  p_type: [0, 'u32'],
  p_flags: [4, 'u32'],
  p_offset: [8, 'u64'],
  p_vaddr: [16, 'u64'],
  p_paddr: [24, 'u64'],
  p_filesz: [32, 'u64'],
  p_memsz: [40, 'u64'],
});

/** The machine as an x86_64 ELF core, one PT_LOAD a range, as the kernel lays out /proc/vmcore. */
export function buildElfCore(machine: TestMachine): Uint8Array {
  const { pageSize, ranges, notes } = machine;
  const notesOffset = elfHeader.sizeBytes + (ranges.length + 1) * programHeader.sizeBytes;
  let offset = Math.ceil((notesOffset + notes.length) / pageSize) * pageSize;
  const headers = [
    programHeader.write({ p_type: 4, p_offset: BigInt(notesOffset), p_filesz: BigInt(notes.length), p_memsz: BigInt(notes.length) }),
  ];
  const pages: Uint8Array[] = [];
  const dataOffset = offset;
  for (const { start, end } of ranges) {
    const size = BigInt((end - start) * pageSize);
    const address = BigInt(start * pageSize);
    headers.push(
      programHeader.write({
        p_type: 1,
        p_flags: 7,
        p_offset: BigInt(offset),
        p_vaddr: 0xffff888000000000n + address,
        p_paddr: address,
        p_filesz: size,
        p_memsz: size,
      }),
    );
    for (let pfn = start; pfn < end; pfn++) pages.push(machine.page(pfn));
    offset += Number(size);
  }
  const elf = elfHeader.write({
    e_ident: Uint8Array.of(0x7f, 0x45, 0x4c, 0x46, 2, 1, 1, 0, 0, 0, 0, 0, 0, 0, 0, 0),
    e_type: 4,
    e_machine: 62,
    e_version: 1,
    e_phoff: 64n,
    e_ehsize: 64,
    e_phentsize: 56,
    e_phnum: headers.length,
  });
  const front = concatBytes([elf, ...headers, notes]);
  return concatBytes([front, new Uint8Array(dataOffset - front.length), ...pages]);
}

export function concatBytes(parts: readonly Uint8Array[]): Uint8Array {
  const result = new Uint8Array(parts.reduce((sum, part) => sum + part.length, 0));
  let at = 0;
  for (const part of parts) {
    result.set(part, at);
    at += part.length;
  }
  return result;
}
