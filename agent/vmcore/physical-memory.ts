/**
 * The physical memory of the crashed machine, whichever kind of file holds it: an ELF vmcore, a kdump-compressed dump, a
 * flattened one. Everything to the right (translation, memory model, filter, writers) sees only this.
 */
import type { PhysAddr, PfnRange } from '../binary/units.ts';

export type Machine = 'x86_64' | 'aarch64';

/** A movable view of physical memory; the counterpart of `FileWindow`. */
export interface MemoryWindow {
  readonly bytes: Uint8Array;
  /**
   * Makes physical bytes `address … address + length` present; returns the index in `bytes` at which they start.
   *
   * @param length at most `contiguousBytes(address)` and `capacityBytes`.
   * @throws VmcoreError `vmcore/absent`, `vmcore/excluded`, or what the file below throws.
   */
  locate(address: PhysAddr, length: number): number;
  readonly capacityBytes: number;
  close(): void;
}

export interface PhysicalMemory {
  /** The file it came from, for messages. */
  readonly path: string;
  readonly kind: 'elf' | 'kdump' | 'flattened';
  readonly machine: Machine;
  /** Bytes of a page of the dumped kernel: VMCOREINFO PAGESIZE; without it, the dump header's or 4096. */
  readonly pageSize: number;
  /** The whole PT_NOTE segment, byte for byte. Empty when there is none. */
  readonly notes: Uint8Array;
  /** The text of the VMCOREINFO note. Empty when there is none. */
  readonly vmcoreinfoText: string;
  /**
   * Page frames whose data the file holds, ascending, disjoint, not adjacent. In an ELF vmcore a page belongs to the segment that holds its
   * last byte; what no segment holds of it reads as zero.
   */
  readonly ranges: readonly PfnRange[];
  /**
   * Page frames that existed on the machine: the 1st bitmap of a dump. More than `ranges` for a dump that left pages out, and for an ELF file
   * whose segments are longer in memory than in the file.
   */
  readonly existingRanges: readonly PfnRange[];
  /** Highest existing page frame plus one (max_mapnr). */
  readonly endPfn: number;
  /** ELF program headers of type PT_LOAD, for direct-map and phys_base deductions and the ELF writer; empty for a dump. */
  readonly loadSegments: readonly LoadSegment[];
  /** Dump level bits already applied to this source; 0 for a vmcore. */
  readonly dumpLevel: number;
  /** How many bytes from `address` on can be located in one piece; 0 when the page is not in the file. */
  contiguousBytes(address: PhysAddr): number;
  /** @param buffer where a window that copies may put the bytes, `capacityBytes` long. */
  openWindow(capacityBytes: number, buffer?: Uint8Array): MemoryWindow;
  /**
   * Copies `target.length` bytes from `address`, across segments if need be.
   * @throws VmcoreError `vmcore/absent`, `vmcore/excluded`.
   */
  read(address: PhysAddr, target: Uint8Array): void;
  close(): void;
}

/** One PT_LOAD program header. `virtualAddress` 0 on kernels that do not tell. */
export type LoadSegment = {
  readonly fileOffset: number;
  readonly virtualAddress: bigint;
  readonly physicalAddress: PhysAddr;
  readonly fileBytes: number;
  readonly memoryBytes: number;
  /** p_flags and p_align, for those who copy the header. */
  readonly flags?: number;
  readonly alignBytes?: bigint;
};
