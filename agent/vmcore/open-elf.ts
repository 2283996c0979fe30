/**
 * Physical memory out of an ELF vmcore: `/proc/vmcore` itself, a copy of it, an ELF dump.
 *
 * Comes in: a file. Goes out: `PhysicalMemory`. A window shows the file's own bytes wherever it can; only when two segments
 * share a page does it copy, so that such a page can be put together.
 */
import { hex, type PfnRange, type PhysAddr } from '../binary/units.ts';
import { type ElfHead, readElfHead } from './elf-header.ts';
import { padNote } from './elf-layout.ts';
import { type FileWindow, type MemoryFile, VmcoreError } from './memory-file.ts';
import { pageSizeOf, vmcoreinfoText } from './notes.ts';
import type { LoadSegment, Machine, MemoryWindow, PhysicalMemory } from './physical-memory.ts';
import {
  buildExtents,
  dataRanges,
  type Extents,
  existingRanges,
  findExtent,
  firstEndAbove,
  hasSharedPages,
  inRanges,
  rangeEnd,
} from './segments.ts';

/**
 * Reads the headers and notes of an ELF vmcore. The memory takes the file over and closes it; when this throws, the
 * caller still owns the file.
 *
 * @throws VmcoreError what `readElfHead` throws; `vmcore/bad-header` when no segment holds a whole page.
 */
export function openElfMemory(file: MemoryFile): PhysicalMemory {
  const head = readElfHead(file);
  const memory = new ElfMemory(file, head, readNotes(file, head));
  if (memory.ranges.length === 0) {
    throw new VmcoreError('vmcore/bad-header', `Cannot find memory in "${file.path}": no PT_LOAD holds a page, expected at least one`);
  }
  checkHeld(file, memory);
  return memory;
}

/** A flattened file can promise pages without having a byte of them. A page may be shared by the ends of segments. */
function checkHeld(file: MemoryFile, { pageSize, ranges, loadSegments }: ElfMemory): void {
  const pages = ranges.reduce((sum, { start, end }) => sum + end - start, 0);
  if (pages <= heldBytes(file) / pageSize + 2 * loadSegments.length) return;
  const found = `${pages} pages in ${heldBytes(file)} bytes`;
  throw new VmcoreError('vmcore/bad-header', `Cannot read "${file.path}": ${found}, expected each to have bytes of its own`);
}

function heldBytes(file: MemoryFile): number {
  return file.heldBytes ?? file.sizeBytes;
}

function readNotes(file: MemoryFile, head: ElfHead): Uint8Array {
  const held = head.noteSegments.filter((segment) => segment.fileBytes > 0);
  const total = held.reduce((sum, segment) => sum + padNote(segment.fileBytes), 0);
  if (total > heldBytes(file) + 4 * held.length) {
    throw new VmcoreError('vmcore/bad-notes', `Cannot read the notes of "${file.path}": ${total} bytes, expected at most its size`);
  }
  const notes = new Uint8Array(held.length === 1 ? held[0].fileBytes : total);
  let at = 0;
  for (const { fileOffset, fileBytes } of held) {
    file.read(fileOffset, notes.subarray(at, at + fileBytes));
    at += padNote(fileBytes);
  }
  return notes;
}

class ElfMemory implements PhysicalMemory {
  readonly path: string;
  readonly kind = 'elf';
  readonly machine: Machine;
  readonly pageSize: number;
  readonly notes: Uint8Array;
  readonly vmcoreinfoText: string;
  readonly ranges: readonly PfnRange[];
  readonly existingRanges: readonly PfnRange[];
  readonly endPfn: number;
  readonly loadSegments: readonly LoadSegment[];
  readonly dumpLevel = 0;
  readonly #file: MemoryFile;
  readonly #extents: Extents;
  /** Some page has to be put together from several extents. */
  readonly #sharesPages: boolean;

  constructor(file: MemoryFile, head: ElfHead, notes: Uint8Array) {
    this.#file = file;
    this.path = file.path;
    this.machine = head.machine;
    this.notes = notes;
    this.vmcoreinfoText = vmcoreinfoText(notes);
    this.pageSize = head.machine === 'x86_64' ? 4096 : pageSizeOf(this.vmcoreinfoText, 4096);
    this.loadSegments = head.loadSegments;
    this.ranges = dataRanges(head.loadSegments, this.pageSize);
    this.existingRanges = existingRanges(head.loadSegments, this.pageSize);
    this.endPfn = this.existingRanges.at(-1)?.end ?? 0;
    this.#extents = buildExtents(head.loadSegments);
    this.#sharesPages = hasSharedPages(this.#extents, this.ranges, this.pageSize);
  }

  contiguousBytes(address: PhysAddr): number {
    const end = this.#sharesPages ? rangeEnd(this.ranges, Math.floor(address / this.pageSize)) * this.pageSize : -1;
    if (end > address) return end - address;
    const extent = findExtent(this.#extents, address);
    return extent < 0 ? 0 : this.#extents.ends[extent] - address;
  }

  openWindow(capacityBytes: number, buffer?: Uint8Array): MemoryWindow {
    const direct = new DirectWindow(this.#file.openWindow(capacityBytes, buffer), this.#extents, (address, length) =>
      this.#absent(address, length),
    );
    return this.#sharesPages ? new CopyingWindow(direct, this.#extents, (address, target) => this.read(address, target)) : direct;
  }

  read(address: PhysAddr, target: Uint8Array): void {
    let done = 0;
    while (done < target.length) {
      const at = address + done;
      const extent = firstEndAbove(this.#extents, at);
      const start = extent < this.#extents.starts.length ? this.#extents.starts[extent] : Number.POSITIVE_INFINITY;
      if (start <= at) {
        const length = Math.min(target.length - done, this.#extents.ends[extent] - at);
        this.#file.read(at + this.#extents.shifts[extent], target.subarray(done, done + length));
        done += length;
      } else {
        const length = Math.min(target.length - done, start - at, this.pageSize - (at % this.pageSize));
        if (!(at >= 0) || !inRanges(this.ranges, Math.floor(at / this.pageSize))) throw this.#absent(at, length);
        target.fill(0, done, done + length);
        done += length;
      }
    }
  }

  close(): void {
    this.#file.close();
  }

  #absent(address: PhysAddr, length: number): VmcoreError {
    const where = `"${this.path}" at physical ${hex(address)}`;
    if (inRanges(this.existingRanges, Math.floor(address / this.pageSize))) {
      return new VmcoreError('vmcore/excluded', `Cannot read ${length} bytes of ${where}: the page was left out of this file`, { where });
    }
    return new VmcoreError('vmcore/absent', `Cannot read ${length} bytes of ${where}: no such memory`, { where });
  }
}

/** The file's own bytes. One comparison decides whether the extent is still the right one: 1.57 M pages in 10 ms. */
class DirectWindow implements MemoryWindow {
  readonly bytes: Uint8Array;
  readonly capacityBytes: number;
  readonly #window: FileWindow;
  readonly #extents: Extents;
  readonly #absent: (address: PhysAddr, length: number) => VmcoreError;
  #start = 0;
  #end = 0;
  #shift = 0;

  constructor(window: FileWindow, extents: Extents, absent: (address: PhysAddr, length: number) => VmcoreError) {
    this.bytes = window.bytes;
    this.capacityBytes = window.capacityBytes;
    this.#window = window;
    this.#extents = extents;
    this.#absent = absent;
  }

  locate(address: PhysAddr, length: number): number {
    if (address < this.#start || address + length > this.#end) this.#move(address, length);
    return this.#window.locate(address + this.#shift, length);
  }

  close(): void {
    this.#window.close();
  }

  #move(address: PhysAddr, length: number): void {
    const extent = findExtent(this.#extents, address);
    if (extent < 0 || address + length > this.#extents.ends[extent]) throw this.#absent(address, length);
    this.#start = this.#extents.starts[extent];
    this.#end = this.#extents.ends[extent];
    this.#shift = this.#extents.shifts[extent];
  }
}

/** A copy of what was asked for last: out of the direct window in one piece, or put together. */
class CopyingWindow implements MemoryWindow {
  readonly bytes: Uint8Array;
  readonly capacityBytes: number;
  readonly #direct: MemoryWindow;
  readonly #extents: Extents;
  readonly #assemble: (address: PhysAddr, target: Uint8Array) => void;
  #start = 0;
  #end = 0;

  constructor(direct: MemoryWindow, extents: Extents, assemble: (address: PhysAddr, target: Uint8Array) => void) {
    this.bytes = new Uint8Array(direct.capacityBytes);
    this.capacityBytes = direct.capacityBytes;
    this.#direct = direct;
    this.#extents = extents;
    this.#assemble = assemble;
  }

  locate(address: PhysAddr, length: number): number {
    if (address < this.#start || address + length > this.#end) this.#copy(address, length);
    return address - this.#start;
  }

  close(): void {
    this.#direct.close();
  }

  #copy(address: PhysAddr, length: number): void {
    this.#end = 0;
    const extent = findExtent(this.#extents, address);
    if (extent >= 0 && address + length <= this.#extents.ends[extent]) {
      const at = this.#direct.locate(address, length);
      this.bytes.set(this.#direct.bytes.subarray(at, at + length));
    } else this.#assemble(address, this.bytes.subarray(0, length));
    this.#start = address;
    this.#end = address + length;
  }
}
