/**
 * Writes an ELF dump: the vmcore again, without the runs of pages that were left out.
 *
 * ```
 * Ehdr | Phdr PT_NOTE | Phdr PT_LOAD … | [Shdr, only with PN_XNUM] | notes | stored memory, packed
 * ```
 * Comes in: the kept pages in ascending order. What else is stored, short runs between them, bytes of pages that a PT_LOAD holds in part,
 * memory that two PT_LOADs describe, the writer reads itself. e_flags says "incomplete" until `finish`, as far as the sink lets bytes be rewritten.
 */
import { MiB, type Pfn } from '../../binary/units.ts';
import type { Bitmap } from '../../bitmap/bitmap.ts';
import { SequentialBuffer } from '../../sink/sequential-buffer.ts';
import type { Sink } from '../../sink/sink.ts';
import {
  DUMP_ELF_INCOMPLETE,
  ELFCLASS64,
  ELFDATA2LSB,
  EM_AARCH64,
  EM_X86_64,
  ET_CORE,
  EV_CURRENT,
  elfHeader,
  PN_XNUM,
  PT_LOAD,
  PT_NOTE,
  programHeader,
  sectionHeader,
} from '../../vmcore/elf-layout.ts';
import type { PhysicalMemory } from '../../vmcore/physical-memory.ts';
import { type DumpWriter, FormatError } from '../dump-writer.ts';
import { type ElfPlan, type PlannedSegment, planElf } from './plan.ts';

export type ElfWriterOptions = {
  readonly memory: PhysicalMemory;
  /** Pages of zeros are out already, if they are to be left out. */
  readonly kept: Bitmap;
};

export interface ElfDumpWriter extends DumpWriter {
  /** Pages that are not stored: fewer than the filter left out. */
  readonly excludedPages: number;
}

/**
 * Writes the headers at once.
 * @throws FormatError `format/unsupported` for a source without PT_LOADs (a kdump-compressed dump), and for a sink that cannot seek.
 * @throws SinkError as the sink does; after that, call `abandon`.
 */
export function createElfWriter(sink: Sink, { memory, kept }: ElfWriterOptions): ElfDumpWriter {
  if (memory.loadSegments.length === 0) {
    throw new FormatError(
      'format/unsupported',
      `Cannot make an ELF dump of "${memory.path}": a ${memory.kind} source, expected an ELF vmcore`,
      {
        hint: 'Leave out -E',
      },
    );
  }
  if (!sink.seekable) {
    throw new FormatError('format/unsupported', `Cannot write an ELF dump to ${sink.name}: append-only, expected seekable`);
  }
  return new ElfWriter(sink, memory, kept);
}

class ElfWriter implements ElfDumpWriter {
  readonly excludedPages: number;
  readonly #sink: Sink;
  readonly #memory: PhysicalMemory;
  readonly #kept: Bitmap;
  readonly #header: Uint8Array;
  readonly #data: SequentialBuffer;
  /** Where the stored memory begins in the file. */
  readonly #dataOffset: number;
  /** Segments that do not overlap, by address: the pages that come in fill them. */
  readonly #fed: readonly PlannedSegment[];
  /** The others, which describe memory a second time. */
  readonly #copied: readonly PlannedSegment[];
  readonly #chunk = new Uint8Array(MiB);
  /** The segment of `#fed` that is being filled, and the address that comes next in it. */
  #current = -1;
  #address = 0;
  #nextPfn: Pfn;
  #written: number;
  #isWhole = true;

  constructor(sink: Sink, memory: PhysicalMemory, kept: Bitmap) {
    this.#sink = sink;
    this.#memory = memory;
    this.#kept = kept;
    const plan = planElf(memory.loadSegments, kept, memory.pageSize);
    this.excludedPages = plan.excludedPages;
    this.#header = buildHeaders(memory, plan);
    this.#dataOffset = this.#header.length;
    this.#written = this.#header.length;
    [this.#fed, this.#copied] = divideOverlaps(plan.segments);
    this.#nextPfn = kept.nextSet(0);
    this.#writeHeaders(this.#rewritable);
    this.#data = new SequentialBuffer(sink, this.#dataOffset);
    this.#openNext();
  }

  get writtenBytes(): number {
    return this.#written;
  }

  addZeroPage(pfn: Pfn): void {
    this.addPage(pfn, new Uint8Array(this.#memory.pageSize), 0, this.#memory.pageSize, 0);
  }

  addLostPage(pfn: Pfn): void {
    this.#isWhole = false;
    this.addZeroPage(pfn);
  }

  addPage(pfn: Pfn, bytes: Uint8Array, start: number, length: number, flags: number): void {
    if (pfn !== this.#nextPfn || flags !== 0 || length !== this.#memory.pageSize) {
      const found = `${length} bytes with flags ${flags}`;
      throw new FormatError(
        'format/order',
        `Cannot add page frame ${pfn} to ${this.#sink.name}: ${found}, expected page frame ${this.#nextPfn}, raw`,
      );
    }
    this.#nextPfn = this.#kept.nextSet(pfn + 1);
    const pageStart = pfn * length;
    this.#copyMemoryUpTo(pageStart);
    while (this.#current < this.#fed.length && this.#address < pageStart + length) {
      const count = Math.min(this.#segmentEnd, pageStart + length) - this.#address;
      this.#append(bytes, start + (this.#address - pageStart), count);
      if (this.#address >= this.#segmentEnd) this.#openNext();
    }
  }

  finish(): void {
    if (this.#nextPfn < this.#kept.sizeBits) {
      throw new FormatError('format/order', `Cannot finish ${this.#sink.name}: page frame ${this.#nextPfn} never came`);
    }
    this.#copyMemoryUpTo(Number.POSITIVE_INFINITY);
    for (const segment of this.#copied) {
      this.#data.seek(this.#dataOffset + segment.fileOffset);
      this.#address = segment.physicalAddress;
      this.#copyMemory(segment.physicalAddress + segment.fileBytes);
    }
    this.#data.flush();
    if (this.#rewritable && this.#isWhole) this.#writeHeaders(false);
  }

  abandon(): void {
    if (!this.#rewritable) return;
    try {
      this.#data.flush();
    } catch {
      // The disk is full or gone. The header says incomplete already.
    }
  }

  get #rewritable(): boolean {
    return this.#sink.rewritable ?? this.#sink.seekable;
  }

  get #segmentEnd(): number {
    const segment = this.#fed[this.#current];
    return segment.physicalAddress + segment.fileBytes;
  }

  /** Fills segments from the source up to an address: what lies between two kept pages and is stored all the same. */
  #copyMemoryUpTo(address: number): void {
    while (this.#current < this.#fed.length && this.#address < address) {
      this.#copyMemory(Math.min(address, this.#segmentEnd));
      if (this.#address >= this.#segmentEnd) this.#openNext();
    }
  }

  #copyMemory(end: number): void {
    while (this.#address < end) {
      const piece = this.#chunk.subarray(0, Math.min(this.#chunk.length, end - this.#address));
      this.#memory.read(this.#address, piece);
      this.#append(piece, 0, piece.length);
    }
  }

  #append(bytes: Uint8Array, start: number, length: number): void {
    this.#data.append(bytes, start, length);
    this.#address += length;
    this.#written += length;
  }

  #openNext(): void {
    this.#current++;
    if (this.#current >= this.#fed.length) return;
    this.#data.seek(this.#dataOffset + this.#fed[this.#current].fileOffset);
    this.#address = this.#fed[this.#current].physicalAddress;
  }

  #writeHeaders(incomplete: boolean): void {
    this.#header[elfHeader.fields.flags[0]] = incomplete ? DUMP_ELF_INCOMPLETE : 0;
    this.#sink.write(0, this.#header);
  }
}

/** Segments with data: first those that do not overlap, ascending by address, then the rest. All pieces of one PT_LOAD stay together. */
function divideOverlaps(segments: readonly PlannedSegment[]): [PlannedSegment[], PlannedSegment[]] {
  const stored = segments.filter((segment) => segment.fileBytes > 0);
  const sorted = stored.toSorted((a, b) => a.physicalAddress - b.physicalAddress || b.fileBytes - a.fileBytes);
  const overlapping = new Set<number>();
  let last: PlannedSegment | undefined;
  for (const segment of sorted) {
    if (overlapping.has(segment.source)) continue;
    if (last !== undefined && segment.physicalAddress < last.physicalAddress + last.fileBytes) overlapping.add(segment.source);
    else last = segment;
  }
  const isCopied = (segment: PlannedSegment) => overlapping.has(segment.source);
  return [sorted.filter((segment) => !isCopied(segment)), stored.filter(isCopied)];
}

/** Everything before the stored memory. */
function buildHeaders(memory: PhysicalMemory, { segments }: ElfPlan): Uint8Array {
  const count = segments.length + 1;
  const tableEnd = elfHeader.sizeBytes + count * programHeader.sizeBytes;
  const extended = count >= PN_XNUM;
  const notesOffset = tableEnd + (extended ? sectionHeader.sizeBytes : 0);
  const dataOffset = notesOffset + memory.notes.length;
  const bytes = new Uint8Array(dataOffset);
  bytes.set(
    elfHeader.write({
      ident: Uint8Array.of(0x7f, 0x45, 0x4c, 0x46, ELFCLASS64, ELFDATA2LSB, EV_CURRENT, 0, 0, 0, 0, 0, 0, 0, 0, 0),
      type: ET_CORE,
      machine: memory.machine === 'x86_64' ? EM_X86_64 : EM_AARCH64,
      version: EV_CURRENT,
      phoff: BigInt(elfHeader.sizeBytes),
      ehsize: elfHeader.sizeBytes,
      phentsize: programHeader.sizeBytes,
      phnum: Math.min(count, PN_XNUM),
      ...(extended ? { shoff: BigInt(tableEnd), shentsize: sectionHeader.sizeBytes, shnum: 1 } : {}),
    }),
  );
  const notes = { type: PT_NOTE, offset: BigInt(notesOffset), filesz: BigInt(memory.notes.length), memsz: BigInt(memory.notes.length) };
  bytes.set(programHeader.write(notes), elfHeader.sizeBytes);
  for (const [index, segment] of segments.entries()) {
    bytes.set(buildLoad(segment, dataOffset), elfHeader.sizeBytes + (index + 1) * programHeader.sizeBytes);
  }
  if (extended) bytes.set(sectionHeader.write({ size: 1n, info: count }), tableEnd);
  bytes.set(memory.notes, notesOffset);
  return bytes;
}

/** A header that stores nothing in the middle of its PT_LOAD has the offset 0, as makedumpfile writes it. */
function buildLoad(segment: PlannedSegment, dataOffset: number): Uint8Array {
  const { fileOffset, fileBytes, memoryBytes, physicalAddress, virtualAddress, flags, alignBytes } = segment;
  return programHeader.write({
    type: PT_LOAD,
    flags: flags ?? 7,
    offset: BigInt(segment.hasPlace ? dataOffset + fileOffset : 0),
    vaddr: virtualAddress,
    paddr: BigInt(physicalAddress),
    filesz: BigInt(fileBytes),
    memsz: BigInt(memoryBytes),
    align: alignBytes ?? 0n,
  });
}
