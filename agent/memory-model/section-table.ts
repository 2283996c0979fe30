/**
 * The kernel's table of memory sections: one word of each section that holds memory of the dump.
 *
 * Comes in: the address of the table and its geometry. Goes out: where each section says its struct pages are. With SPARSEMEM_EXTREME the table
 * has two levels: roots of one page each.
 */
import type { Pfn, VirtAddr } from '../binary/units.ts';
import type { MemMapSource } from './mem-map.ts';
import { isKernelAddress } from './plausible.ts';
import type { SparseGeometry } from './sparse-geometry.ts';

export type Section = {
  readonly number: number;
  readonly startPfn: Pfn;
  readonly endPfn: Pfn;
  /** A page frame of the section that exists: one that was plugged in in part has struct pages for that part only. */
  readonly probe: Pfn;
  /** Virtual address of the struct page of `startPfn`; undefined when the table cannot be read here. */
  readonly structPages: VirtAddr | undefined;
};

/** SECTION_MARKED_PRESENT. The others: has_mem_map, is_online, is_early, taint_zone_device, is_vmemmap_preinit (since 6.15). */
const presentFlag = 1n;
const flagBits = 0x3fn;
const addressMask = 0xffffffffffffffffn;

/**
 * The sections that are marked present, ascending; one at a time, because a large machine has a hundred thousand. Only those that hold memory
 * of the dump are asked for; so the work is bounded by the size of the dump, not by what the table says.
 * @param address of the roots (SPARSEMEM_EXTREME), or of the sections themselves.
 */
export function* readSectionTable(source: MemMapSource, geometry: SparseGeometry, address: VirtAddr): Generator<Section> {
  const { memory } = source;
  const { pagesPerSection, structPageBytes } = geometry;
  const table = new SectionTable(source, geometry, address);
  let next = 0;
  for (const { start, end } of memory.existingRanges) {
    const last = Math.min(geometry.sections, Math.ceil(end / pagesPerSection));
    for (let number = Math.max(next, Math.floor(start / pagesPerSection)); number < last; number++) {
      const map = table.sectionMemMap(number);
      if (map === 'absent') continue;
      const startPfn = number * pagesPerSection;
      const endPfn = Math.min(startPfn + pagesPerSection, memory.endPfn);
      const structPages = map === undefined ? undefined : (map + BigInt(startPfn) * BigInt(structPageBytes)) & addressMask;
      yield { number, startPfn, endPfn, probe: Math.max(start, startPfn), structPages };
    }
    next = Math.max(next, last);
  }
}

/** A word of kernel memory, if it can be read. */
export function readWord(virtual: MemMapSource['virtual'], address: VirtAddr): bigint | undefined {
  if (!isKernelAddress(address)) return undefined;
  const bytes = new Uint8Array(8);
  try {
    virtual.read(address, bytes);
    return new DataView(bytes.buffer).getBigUint64(0, true);
  } catch {
    return undefined;
  }
}

/** The smallest page any supported kernel has: what is in one is in the file, or not. */
const smallestPage = 4096;

class SectionTable {
  readonly #virtual: MemMapSource['virtual'];
  readonly #geometry: SparseGeometry;
  readonly #address: VirtAddr;
  /** The root read last. */
  #rootNumber = -1;
  #root: VirtAddr | undefined;
  /** The page of sections read last. */
  readonly #page = new DataView(new ArrayBuffer(smallestPage));
  #pageAddress: VirtAddr | undefined;

  constructor({ virtual }: MemMapSource, geometry: SparseGeometry, address: VirtAddr) {
    this.#virtual = virtual;
    this.#geometry = geometry;
    this.#address = address;
  }

  /** `section_mem_map` without its flags; undefined when it cannot be read. */
  sectionMemMap(number: number): bigint | 'absent' | undefined {
    const section = this.#sectionAddress(number);
    if (section === 'absent') return 'absent';
    const value = section === undefined ? undefined : this.#readWord(section + BigInt(this.#geometry.sectionMemMap));
    if (value === undefined) return undefined;
    return (value & presentFlag) === 0n ? 'absent' : value & ~flagBits;
  }

  /** As `readWord`, a page of the table at a time. */
  #readWord(address: VirtAddr): bigint | undefined {
    const inPage = Number(address % BigInt(this.#page.byteLength));
    if (inPage + 8 > this.#page.byteLength) return readWord(this.#virtual, address);
    const page = address - BigInt(inPage);
    if (page !== this.#pageAddress && !this.#readPage(page)) return readWord(this.#virtual, address);
    return this.#page.getBigUint64(inPage, true);
  }

  #readPage(address: VirtAddr): boolean {
    this.#pageAddress = undefined;
    if (!isKernelAddress(address)) return false;
    try {
      this.#virtual.read(address, new Uint8Array(this.#page.buffer));
      this.#pageAddress = address;
      return true;
    } catch {
      return false;
    }
  }

  #sectionAddress(number: number): VirtAddr | 'absent' | undefined {
    const { sectionsPerRoot, sectionBytes } = this.#geometry;
    if (sectionsPerRoot === undefined) return this.#address + BigInt(number * sectionBytes);
    const rootNumber = Math.floor(number / sectionsPerRoot);
    if (rootNumber !== this.#rootNumber) {
      this.#rootNumber = rootNumber;
      this.#root = readWord(this.#virtual, this.#address + BigInt(rootNumber * 8));
    }
    if (this.#root === undefined) return undefined;
    return this.#root === 0n ? 'absent' : this.#root + BigInt((number % sectionsPerRoot) * sectionBytes);
  }
}
