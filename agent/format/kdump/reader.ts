/**
 * Physical memory out of a kdump-compressed dump, or out of the parts of a split one.
 *
 * Comes in: the files. Goes out: `PhysicalMemory`, and what the headers say. The 2nd bitmap is held in memory; pages are expanded
 * when they are asked for.
 */
import { decodeText } from '../../binary/text.ts';
import { hex, type Pfn, type PfnRange, type PhysAddr } from '../../binary/units.ts';
import { Bitmap } from '../../bitmap/bitmap.ts';
import type { CodecName, PageCodec } from '../../compress/codec.ts';
import { type MemoryFile, VmcoreError } from '../../vmcore/memory-file.ts';
import { NT_PRSTATUS } from '../../vmcore/elf-layout.ts';
import { vmcoreinfoText, walkNotes } from '../../vmcore/notes.ts';
import type { Machine, MemoryWindow, PhysicalMemory } from '../../vmcore/physical-memory.ts';
import { FormatError } from '../dump-writer.ts';
import { Descriptors } from './descriptors.ts';
import type { KdumpHeader } from './header.ts';
import { KdumpWindow } from './memory-window.ts';
import { PageIndex } from './page-index.ts';
import { pageDesc } from './layout.ts';
import { checkSet, type KdumpPart, readBitmap, readKdumpParts, readPart } from './parts.ts';
import { PageStore, type StoredCounts } from './page-store.ts';

export interface KdumpSource extends PhysicalMemory {
  /** Of the first part. */
  readonly header: KdumpHeader;
  /** True when a file says so itself, or a part of a split set is missing. */
  readonly incomplete: boolean;
  /** Page frames in the 2nd bitmap, of all parts. */
  readonly keptPages: number;
  /** What `makedumpfile --config` overwrote, as text; empty when nothing. */
  readonly eraseinfo: string;
  /** Reads every descriptor: 24 bytes a page. */
  countStored(): StoredCounts;
}

export type OpenKdumpOptions = {
  /** How the memory calls itself. Default `kdump`. */
  readonly kind?: 'kdump' | 'flattened';
  /** True: read a dump that is cut off as if it said so itself. */
  readonly salvage?: boolean;
};

/**
 * Takes the files over and closes them with the memory; when this throws, the caller still owns them.
 *
 * @param files one dump, or parts of one split set in any order. With parts missing, their pages are not in `ranges`.
 * @throws FormatError `format/not-a-dump`, `format/unsupported`, `format/corrupt`, `format/incomplete` (cut off, and not marked so).
 */
export function openKdumpMemory(
  files: readonly MemoryFile[],
  openCodec: (name: CodecName) => PageCodec,
  options: OpenKdumpOptions = {},
): KdumpSource {
  const { kind = 'kdump', salvage = false } = options;
  const parts = readKdumpParts(files).map(({ file, header }) => ({ file, header: salvage ? { ...header, incomplete: true } : header }));
  checkSet(parts);
  return new KdumpMemory(parts, openCodec, kind);
}

class KdumpMemory implements KdumpSource {
  readonly path: string;
  readonly kind: 'kdump' | 'flattened';
  readonly machine: Machine;
  readonly pageSize: number;
  readonly notes: Uint8Array;
  readonly vmcoreinfoText: string;
  readonly endPfn: number;
  readonly loadSegments = [];
  readonly dumpLevel: number;
  readonly header: KdumpHeader;
  readonly incomplete: boolean;
  readonly keptPages: number;
  readonly eraseinfo: string;
  readonly #files: readonly KdumpPart[];
  readonly #store: PageStore;
  /** Pages whose data is here: the 2nd bitmap without what was lost or is in a part that is missing. */
  readonly #readable: Bitmap;
  #ranges: readonly PfnRange[] | undefined;
  #existingRanges: readonly PfnRange[] | undefined;
  /** The run `contiguousBytes` found last. */
  #runStart = 0;
  #runEnd = 0;

  constructor(parts: readonly KdumpPart[], openCodec: (name: CodecName) => PageCodec, kind: 'kdump' | 'flattened') {
    const [{ file, header }] = parts;
    this.#files = parts;
    this.path = file.path;
    this.kind = kind;
    this.header = header;
    this.pageSize = header.blockBytes;
    this.endPfn = header.endPfn;
    this.dumpLevel = header.dumpLevel;
    this.notes = readPart(file, header.notes);
    this.vmcoreinfoText = vmcoreinfoText(this.notes) || decodeText(readPart(file, header.vmcoreinfo));
    this.machine = findMachine(file, header, this.notes);
    this.eraseinfo = parts.map((part) => decodeText(readPart(part.file, part.header.eraseinfo))).join('');
    const kept = readBitmap(file, header, header.secondBitmapOffset);
    const index = new PageIndex(kept);
    this.keptPages = index.total;
    this.#store = new PageStore(
      parts.map((part) => new Descriptors(part.file, part.header, index)),
      openCodec,
    );
    this.#readable = readablePages(kept, parts, this.#store);
    this.incomplete = parts.some((part) => part.header.incomplete) || this.#readable.count() < this.keptPages;
  }

  get ranges(): readonly PfnRange[] {
    this.#ranges ??= [...this.#readable.ranges()];
    return this.#ranges;
  }

  get existingRanges(): readonly PfnRange[] {
    const [{ file, header }] = this.#files;
    this.#existingRanges ??= [...readBitmap(file, header, header.firstBitmapOffset).ranges()];
    return this.#existingRanges;
  }

  contiguousBytes(address: PhysAddr): number {
    const pfn = Math.floor(address / this.pageSize);
    if (pfn < this.#runStart || pfn >= this.#runEnd) {
      if (!this.#readable.has(pfn)) return 0;
      this.#runStart = pfn;
      this.#runEnd = this.#readable.nextClear(pfn);
    }
    return this.#runEnd * this.pageSize - address;
  }

  openWindow(capacityBytes: number): MemoryWindow {
    return new KdumpWindow(this.#store, this.pageSize, capacityBytes, (start, end) => this.#requirePages(start, end));
  }

  read(address: PhysAddr, target: Uint8Array): void {
    for (let done = 0; done < target.length; ) {
      const pfn = Math.floor((address + done) / this.pageSize);
      const inPage = (address + done) % this.pageSize;
      const length = Math.min(target.length - done, this.pageSize - inPage);
      this.#requirePages(pfn, pfn + 1);
      target.set(this.#store.lookUp(pfn).subarray(inPage, inPage + length), done);
      done += length;
    }
  }

  countStored(): StoredCounts {
    return this.#store.countStored();
  }

  close(): void {
    this.#store.close();
  }

  #requirePages(start: Pfn, end: Pfn): void {
    for (let pfn = start; pfn < end; pfn++) if (!this.#readable.has(pfn)) throw this.#missing(pfn);
  }

  #missing(pfn: Pfn): VmcoreError {
    const where = `"${this.path}" at physical ${hex(pfn * this.pageSize)}`;
    if (this.existingRanges.some(({ start, end }) => pfn >= start && pfn < end)) {
      return new VmcoreError('vmcore/excluded', `Cannot read page frame ${hex(pfn)} of ${where}: the page was left out of this dump`, {
        where,
      });
    }
    return new VmcoreError('vmcore/absent', `Cannot read page frame ${hex(pfn)} of ${where}: no such memory`, { where });
  }
}

/** The pages of `kept` that the parts really hold. Descriptors are looked at only where a file says that it is incomplete. */
function readablePages(kept: Bitmap, parts: readonly KdumpPart[], store: PageStore): Bitmap {
  if (parts.length === 1 && parts[0].header.split === undefined && !parts[0].header.incomplete) return kept;
  const readable = new Bitmap(kept.sizeBits, kept.bytes.slice());
  let covered = 0;
  for (const { file, header } of parts) {
    const { startPfn, endPfn } = header.split ?? { startPfn: 0, endPfn: header.endPfn };
    readable.clearRange(covered, startPfn);
    covered = endPfn;
    if (!header.incomplete) continue;
    let left = Math.floor((file.sizeBytes - header.descriptorsOffset) / pageDesc.sizeBytes);
    let pfn = kept.nextSet(startPfn);
    for (; pfn < endPfn && left > 0; pfn = kept.nextSet(pfn + 1), left--) if (!store.isStored(pfn)) readable.clear(pfn);
    readable.clearRange(pfn, endPfn);
  }
  readable.clearRange(covered, kept.sizeBits);
  return readable;
}

/** Bytes of `struct elf_prstatus`. @source linux include/linux/elfcore.h with each architecture's elf_gregset_t */
const prstatusBytes: Readonly<Record<number, Machine>> = { 336: 'x86_64', 392: 'aarch64' };

/** From utsname; a dump made without VMCOREINFO has none, and the size of the register notes tells. */
function findMachine(file: MemoryFile, { utsname }: KdumpHeader, notes: Uint8Array): Machine {
  if (utsname.machine === 'x86_64' || utsname.machine === 'aarch64') return utsname.machine;
  if (utsname.machine === '') {
    for (const note of walkNotes(notes)) {
      if (note.type === NT_PRSTATUS && note.descriptorBytes in prstatusBytes) return prstatusBytes[note.descriptorBytes];
    }
  }
  throw new FormatError('format/unsupported', `Cannot read "${file.path}": machine "${utsname.machine}", expected x86_64 or aarch64`);
}
