/**
 * SPARSEMEM: memory in sections of 128 MiB (or what the architecture likes), each with struct pages of its own. With SPARSEMEM_EXTREME the
 * table of sections has two levels: roots of one page each. Where vmemmap is used, the struct pages of all sections are one
 * virtual array, and sections in a row become one block.
 *
 * `section_mem_map` holds the address of the section's struct pages, less what the section's first page frame would add, so that
 * the struct page of `pfn` is at `section_mem_map + pfn * SIZE(page)`; its low bits are flags.
 */
import { hex, type Pfn, type VirtAddr } from '../binary/units.ts';
import type { MemMap, MemMapBlock, MemMapSource } from './mem-map.ts';
import { unreadable } from './memory-model-error.ts';
import { isKernelAddress, isStructPageAddress } from './plausible.ts';
import { type SparseGeometry, sparseGeometry } from './sparse-geometry.ts';

/** SECTION_MARKED_PRESENT. The others: has_mem_map, is_online, is_early, taint_zone_device, is_vmemmap_preinit (since 6.15). */
const presentFlag = 1n;
const flagBits = 0x3fn;
const addressMask = 0xffffffffffffffffn;

/** What one meaning of `mem_section` leads to. */
type Reading = { readonly blocks: MemMapBlock[]; good: number; bad: number; readonly badSections: number[] };

/** @throws MemoryModelError `memory-model/unreadable` when no meaning of `mem_section` leads to struct pages. */
export function sparseMemMap(source: MemMapSource): MemMap {
  const symbol = source.info.symbol('mem_section');
  if (symbol === undefined) throw unreadable('Cannot find struct pages: VMCOREINFO has no SYMBOL(mem_section)');
  const geometry = sparseGeometry(source.info, source.memory, source.layout.sizeBytes);
  const reader = new SectionReader(source, geometry);
  const direct = reader.readAll(symbol);
  const reading = trusted(direct) ? direct : better(direct, throughPointer(source, geometry, reader, symbol));
  if (!plausible(reading)) {
    const found = `${reading.good} sections with struct pages, ${reading.bad} with nonsense`;
    throw unreadable(`Cannot read mem_section at ${hex(symbol)}: ${found}, expected a table of memory sections`);
  }
  const model = geometry.sectionsPerRoot === undefined ? 'sparsemem' : 'sparsemem-extreme';
  return { model, blocks: reading.blocks, warnings: sectionWarnings(reading) };
}

/**
 * Since 4.15 the variable `mem_section` of SPARSEMEM_EXTREME is a pointer to the roots. VMCOREINFO exports where it points to, a
 * symbol table exports where it stands.
 */
function throughPointer(source: MemMapSource, geometry: SparseGeometry, reader: SectionReader, symbol: VirtAddr): Reading | undefined {
  if (geometry.sectionsPerRoot === undefined) return undefined;
  const bytes = new Uint8Array(8);
  if (!readOrNot(source.virtual, symbol, bytes)) return undefined;
  const roots = new DataView(bytes.buffer).getBigUint64(0, true);
  return isKernelAddress(roots) ? reader.readAll(roots) : undefined;
}

function trusted(reading: Reading): boolean {
  return reading.good > 0 && reading.bad === 0;
}

/** A damaged table is still a table as long as most of it leads to struct pages. */
function plausible(reading: Reading): boolean {
  return reading.good > reading.bad;
}

function better(direct: Reading, other: Reading | undefined): Reading {
  return other !== undefined && other.good - other.bad > direct.good - direct.bad ? other : direct;
}

function sectionWarnings({ bad, badSections }: Reading): string[] {
  if (bad === 0) return [];
  const some = badSections.map((section) => hex(section)).join(', ');
  return [`${bad} memory sections lead to no struct pages (${some}${bad > badSections.length ? ', …' : ''}); all their pages are kept`];
}

class SectionReader {
  readonly #source: MemMapSource;
  readonly #geometry: SparseGeometry;
  readonly #section: Uint8Array;
  readonly #sectionView: DataView;
  /** The root table's entry of the section read last. */
  #rootNumber = -1;
  #root: VirtAddr | undefined;

  constructor(source: MemMapSource, geometry: SparseGeometry) {
    this.#source = source;
    this.#geometry = geometry;
    this.#section = new Uint8Array(8);
    this.#sectionView = new DataView(this.#section.buffer);
  }

  /**
   * Visits the sections that hold memory of the dump; so the work is bounded by the size of the dump, not by what the tables say.
   * @param table the roots (SPARSEMEM_EXTREME) or the sections themselves.
   */
  readAll(table: VirtAddr): Reading {
    const reading: Reading = { blocks: [], good: 0, bad: 0, badSections: [] };
    const { pagesPerSection } = this.#geometry;
    this.#rootNumber = -1;
    let next = 0;
    for (const { start, end } of this.#source.memory.existingRanges) {
      const last = Math.ceil(end / pagesPerSection);
      for (let section = Math.max(next, Math.floor(start / pagesPerSection)); section < last; section++) {
        this.#add(reading, table, section, Math.max(start, section * pagesPerSection));
      }
      next = Math.max(next, last);
    }
    return reading;
  }

  /** @param probe a page frame of the section that exists: a section that was plugged in in part has struct pages for that part only. */
  #add(reading: Reading, table: VirtAddr, section: number, probe: Pfn): void {
    const map = this.#sectionMemMap(table, section);
    if (map === 'absent') return;
    const { pagesPerSection, structPageBytes } = this.#geometry;
    const startPfn = section * pagesPerSection;
    const structPages = map === 'bad' ? undefined : (map + BigInt(startPfn) * BigInt(structPageBytes)) & addressMask;
    const probed = (structPages ?? 0n) + BigInt((probe - startPfn) * structPageBytes);
    if (structPages === undefined || !isStructPageAddress(structPages) || !translates(this.#source, probed)) {
      reading.bad++;
      if (reading.badSections.length < 8) reading.badSections.push(section);
      return;
    }
    reading.good++;
    append(
      reading.blocks,
      { startPfn, endPfn: Math.min(startPfn + pagesPerSection, this.#source.memory.endPfn), structPages },
      structPageBytes,
    );
  }

  /** `section_mem_map` without its flags. */
  #sectionMemMap(table: VirtAddr, section: number): VirtAddr | 'absent' | 'bad' {
    const address = this.#sectionAddress(table, section);
    if (typeof address === 'string') return address;
    const { sectionMemMap } = this.#geometry;
    if (!readOrNot(this.#source.virtual, address + BigInt(sectionMemMap), this.#section)) return 'bad';
    const value = this.#sectionView.getBigUint64(0, true);
    return (value & presentFlag) === 0n ? 'absent' : value & ~flagBits;
  }

  #sectionAddress(table: VirtAddr, section: number): VirtAddr | 'absent' | 'bad' {
    const { sectionsPerRoot, sectionBytes, sections } = this.#geometry;
    if (section >= sections) return 'absent';
    if (sectionsPerRoot === undefined) return table + BigInt(section * sectionBytes);
    const number = Math.floor(section / sectionsPerRoot);
    if (number !== this.#rootNumber) {
      this.#rootNumber = number;
      this.#root = this.#readRoot(table + BigInt(number * 8));
    }
    if (this.#root === 0n) return 'absent';
    if (this.#root === undefined || !isKernelAddress(this.#root)) return 'bad';
    return this.#root + BigInt((section % sectionsPerRoot) * sectionBytes);
  }

  #readRoot(address: VirtAddr): VirtAddr | undefined {
    return readOrNot(this.#source.virtual, address, this.#section) ? this.#sectionView.getBigUint64(0, true) : undefined;
  }
}

/** Adds a section, or prolongs the last block when the struct pages go on in virtual memory (vmemmap). */
function append(blocks: MemMapBlock[], block: MemMapBlock, structPageBytes: number): void {
  const last = blocks.at(-1);
  if (
    last !== undefined &&
    last.endPfn === block.startPfn &&
    structPageAddress(last, block.startPfn, structPageBytes) === block.structPages
  ) {
    blocks[blocks.length - 1] = { ...last, endPfn: block.endPfn };
  } else {
    blocks.push(block);
  }
}

function structPageAddress(block: MemMapBlock, pfn: Pfn, structPageBytes: number): VirtAddr {
  return block.structPages + BigInt((pfn - block.startPfn) * structPageBytes);
}

function readOrNot(virtual: MemMapSource['virtual'], address: VirtAddr, target: Uint8Array): boolean {
  if (!isKernelAddress(address)) return false;
  try {
    virtual.read(address, target);
    return true;
  } catch {
    return false;
  }
}

function translates({ virtual, memory }: MemMapSource, address: VirtAddr): boolean {
  try {
    const translation = virtual.translate(address);
    return translation !== undefined && memory.contiguousBytes(translation.physical) > 0;
  } catch {
    return false;
  }
}
