/**
 * Builds small vmcores: `PhysicalImage` is a machine's memory that is written to at will, `buildVmcore` makes the ELF file of it.
 */
import { encodeText } from '../binary/text.ts';
import {
  EI_CLASS,
  EI_DATA,
  EI_VERSION,
  ELFCLASS64,
  ELFDATA2LSB,
  EM_AARCH64,
  EM_X86_64,
  ET_CORE,
  EV_CURRENT,
  elfHeader,
  NT_PRSTATUS,
  noteHeader,
  PN_XNUM,
  PT_LOAD,
  PT_NOTE,
  padNote,
  programHeader,
  sectionHeader,
} from '../vmcore/elf-layout.ts';
import type { Machine } from '../vmcore/physical-memory.ts';

/** One PT_LOAD of the built file. */
export type BuiltSegment = {
  readonly physicalAddress: number;
  readonly virtualAddress?: bigint;
  /** What the file holds: `p_filesz` bytes. */
  readonly data: Uint8Array;
  /** `p_memsz`; default: as many as `data`. */
  readonly memoryBytes?: number;
};

export type VmcoreOptions = {
  readonly machine?: Machine;
  readonly segments: readonly BuiltSegment[];
  /** Text of the VMCOREINFO note; no note when absent. */
  readonly vmcoreinfo?: string;
  /** How many NT_PRSTATUS notes. Default 1. */
  readonly cpus?: number;
  /** The whole PT_NOTE segment, instead of the two above. */
  readonly notes?: Uint8Array;
  /** Count the program headers in section header 0, as files with 65,535 or more do. */
  readonly extendedCount?: boolean;
  /** Bytes each segment's data is aligned to in the file. Default 4096; 1 packs them, as makedumpfile -E does. */
  readonly alignBytes?: number;
};

/** An ELF64 little endian core: header, program headers (PT_NOTE first), notes, data. */
export function buildVmcore(options: VmcoreOptions): Uint8Array<ArrayBuffer> {
  const notes = options.notes ?? buildNotes(options);
  const count = options.segments.length + 1;
  const afterTable = elfHeader.sizeBytes + count * programHeader.sizeBytes;
  const noteOffset = afterTable + (options.extendedCount ? sectionHeader.sizeBytes : 0);
  const align = options.alignBytes ?? 4096;
  let end = noteOffset + notes.length;
  const offsets = options.segments.map(({ data, physicalAddress }) => {
    const offset = Math.ceil(end / align) * align + (physicalAddress % align);
    end = offset + data.length;
    return offset;
  });
  const file = new Uint8Array(end);
  file.set(buildElfHeader(options, count, afterTable));
  file.set(
    programHeader.write({ type: PT_NOTE, offset: BigInt(noteOffset), filesz: BigInt(notes.length), memsz: BigInt(notes.length) }),
    64,
  );
  if (options.extendedCount) file.set(sectionHeader.write({ info: count }), afterTable);
  file.set(notes, noteOffset);
  options.segments.forEach((segment, index) => {
    file.set(buildLoad(segment, offsets[index]), elfHeader.sizeBytes + (index + 1) * programHeader.sizeBytes);
    file.set(segment.data, offsets[index]);
  });
  return file;
}

/** One note as it stands in a PT_NOTE segment. */
export function buildNote(name: string, type: number, descriptor: Uint8Array): Uint8Array {
  const text = encodeText(`${name}\0`);
  const note = new Uint8Array(noteHeader.sizeBytes + padNote(text.length) + padNote(descriptor.length));
  note.set(noteHeader.write({ namesz: text.length, descsz: descriptor.length, type }));
  note.set(text, noteHeader.sizeBytes);
  note.set(descriptor, noteHeader.sizeBytes + padNote(text.length));
  return note;
}

/** The notes of a crashed machine: a register set a CPU (all zero), then VMCOREINFO. */
export function buildNotes(options: { readonly machine?: Machine; readonly cpus?: number; readonly vmcoreinfo?: string }): Uint8Array {
  const registers = new Uint8Array(options.machine === 'aarch64' ? 392 : 336);
  const notes = Array.from({ length: options.cpus ?? 1 }, () => buildNote('CORE', NT_PRSTATUS, registers));
  if (options.vmcoreinfo !== undefined) notes.push(buildNote('VMCOREINFO', 0, encodeText(options.vmcoreinfo)));
  return Uint8Array.from(Buffer.concat(notes));
}

/** A machine's physical memory: zero until written, page by page only where something was written. */
export class PhysicalImage {
  readonly pageSize: number;
  readonly #pages = new Map<number, Uint8Array>();

  constructor(pageSize = 4096) {
    this.pageSize = pageSize;
  }

  /** Writes across pages; pages come into being as needed. */
  write(address: number, bytes: Uint8Array): void {
    for (let done = 0; done < bytes.length; ) {
      const inPage = (address + done) % this.pageSize;
      const length = Math.min(bytes.length - done, this.pageSize - inPage);
      this.page(Math.floor((address + done) / this.pageSize)).set(bytes.subarray(done, done + length), inPage);
      done += length;
    }
  }

  writeU32(address: number, value: number): void {
    const bytes = new Uint8Array(4);
    new DataView(bytes.buffer).setUint32(0, value, true);
    this.write(address, bytes);
  }

  writeU64(address: number, value: bigint): void {
    const bytes = new Uint8Array(8);
    new DataView(bytes.buffer).setBigUint64(0, BigInt.asUintN(64, value), true);
    this.write(address, bytes);
  }

  /** The bytes of a page frame, to write into; makes it exist. */
  page(pfn: number): Uint8Array {
    let page = this.#pages.get(pfn);
    if (page === undefined) {
      page = new Uint8Array(this.pageSize);
      this.#pages.set(pfn, page);
    }
    return page;
  }

  /** Makes every page frame of `start … end` exist. */
  addPages(start: number, end: number): void {
    for (let pfn = start; pfn < end; pfn++) this.page(pfn);
  }

  /** Every run of existing page frames, ascending, as the PT_LOADs of `buildVmcore`. */
  segments(virtualOf: (physicalAddress: number) => bigint = () => 0n): BuiltSegment[] {
    const runs: number[][] = [];
    for (const pfn of [...this.#pages.keys()].sort((a, b) => a - b)) {
      if (runs.at(-1)?.at(-1) === pfn - 1) runs.at(-1)!.push(pfn);
      else runs.push([pfn]);
    }
    return runs.map((run) => ({
      physicalAddress: run[0] * this.pageSize,
      virtualAddress: virtualOf(run[0] * this.pageSize),
      data: Uint8Array.from(Buffer.concat(run.map((pfn) => this.page(pfn)))),
    }));
  }
}

/** The ELF header of a core with `count` program headers. @param afterTable where section header 0 stands, if it counts them */
export function buildElfHeader(options: Pick<VmcoreOptions, 'machine' | 'extendedCount'>, count: number, afterTable: number): Uint8Array {
  const ident = new Uint8Array([0x7f, 0x45, 0x4c, 0x46, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0]);
  ident[EI_CLASS] = ELFCLASS64;
  ident[EI_DATA] = ELFDATA2LSB;
  ident[EI_VERSION] = EV_CURRENT;
  return elfHeader.write({
    ident,
    type: ET_CORE,
    machine: options.machine === 'aarch64' ? EM_AARCH64 : EM_X86_64,
    version: EV_CURRENT,
    phoff: BigInt(elfHeader.sizeBytes),
    shoff: options.extendedCount ? BigInt(afterTable) : 0n,
    ehsize: elfHeader.sizeBytes,
    phentsize: programHeader.sizeBytes,
    phnum: options.extendedCount ? PN_XNUM : count,
    shentsize: options.extendedCount ? sectionHeader.sizeBytes : 0,
    shnum: options.extendedCount ? 1 : 0,
  });
}

function buildLoad(segment: BuiltSegment, offset: number): Uint8Array {
  return programHeader.write({
    type: PT_LOAD,
    offset: BigInt(offset),
    vaddr: segment.virtualAddress ?? 0n,
    paddr: BigInt(segment.physicalAddress),
    filesz: BigInt(segment.data.length),
    memsz: BigInt(segment.memoryBytes ?? segment.data.length),
  });
}
