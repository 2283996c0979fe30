/**
 * SPARSEMEM: memory in sections of 128 MiB (or what the architecture likes), each with struct pages of its own. Where vmemmap is used, the struct
 * pages of all sections are one virtual array, and sections in a row become one block.
 *
 * `section_mem_map` holds the address of the section's struct pages, less what the section's first page frame would add, so that
 * the struct page of `pfn` is at `section_mem_map + pfn * SIZE(page)`; its low bits are flags.
 */
import { hex, type VirtAddr } from '../binary/units.ts';
import type { LoadSegment } from '../vmcore/physical-memory.ts';
import type { MemMap, MemMapBlock, MemMapSource } from './mem-map.ts';
import { unreadable } from './memory-model-error.ts';
import { isStructPageAddress } from './plausible.ts';
import { readSectionTable, readWord, type Section } from './section-table.ts';
import { type SparseGeometry, sparseGeometry } from './sparse-geometry.ts';

/** What one meaning of `mem_section` leads to: sections with struct pages, joined, and numbers of those without. */
type Reading = { readonly good: number; readonly blocks: readonly MemMapBlock[]; readonly bad: readonly number[] };

/** @throws MemoryModelError `memory-model/unreadable` when no meaning of `mem_section` leads to struct pages. */
export function sparseMemMap(source: MemMapSource): MemMap {
  const symbol = source.info.symbol('mem_section');
  if (symbol === undefined) throw unreadable('Cannot find struct pages: VMCOREINFO has no SYMBOL(mem_section)');
  const geometry = sparseGeometry(source.info, source.memory, source.layout.sizeBytes);
  const direct = read(source, geometry, symbol);
  const trusted = direct.good > 0 && direct.bad.length === 0;
  const { good, blocks, bad } = trusted ? direct : better(direct, throughPointer(source, geometry, symbol));
  // A damaged table is still a table as long as most of it leads to struct pages.
  if (good <= bad.length) {
    const found = `${good} sections with struct pages, ${bad.length} with nonsense`;
    throw unreadable(`Cannot read mem_section at ${hex(symbol)}: ${found}, expected a table of memory sections`);
  }
  return {
    model: geometry.sectionsPerRoot === undefined ? 'sparsemem' : 'sparsemem-extreme',
    blocks,
    warnings: sectionWarnings(bad),
  };
}

/**
 * Since 4.15 the variable `mem_section` of SPARSEMEM_EXTREME is a pointer to the roots. VMCOREINFO exports where it points to, a
 * symbol table exports where it stands.
 */
function throughPointer(source: MemMapSource, geometry: SparseGeometry, symbol: VirtAddr): Reading | undefined {
  if (geometry.sectionsPerRoot === undefined) return undefined;
  const roots = readWord(source.virtual, symbol);
  return roots === undefined ? undefined : read(source, geometry, roots);
}

function better(direct: Reading, other: Reading | undefined): Reading {
  const worth = ({ good, bad }: Reading) => good - bad.length;
  return other !== undefined && worth(other) > worth(direct) ? other : direct;
}

function read(source: MemMapSource, geometry: SparseGeometry, table: VirtAddr): Reading {
  const linear = linearRanges(source.memory.loadSegments);
  const sections = () => readSectionTable(source, geometry, table);
  const view = { source, geometry, linear, vmemmap: usualBase(sections(), linear, geometry.structPageBytes) };
  const blocks: MemMapBlock[] = [];
  const bad: number[] = [];
  let good = 0;
  for (const section of sections()) {
    if (leadsToStructPages(view, section)) {
      joinSection(blocks, section, geometry.structPageBytes);
      good++;
    } else bad.push(section.number);
  }
  return { good, blocks, bad };
}

type VirtualRange = { readonly start: VirtAddr; readonly end: VirtAddr };

type SectionView = {
  readonly source: MemMapSource;
  readonly geometry: SparseGeometry;
  readonly linear: readonly VirtualRange[];
  readonly vmemmap: bigint | undefined;
};

/**
 * Whether there are struct pages where the section says. A wrong address that is mapped would be a wrong filter, so what every kernel
 * keeps to is asked for: an array that the kernel allocates starts a page, one in vmemmap fits the section's place there.
 */
function leadsToStructPages({ source, geometry, linear, vmemmap }: SectionView, section: Section): boolean {
  const { structPages, startPfn, probe } = section;
  const { structPageBytes, pagesPerSection } = geometry;
  if (structPages === undefined || !isStructPageAddress(structPages)) return false;
  const sectionArrayBytes = BigInt(pagesPerSection) * BigInt(structPageBytes);
  const fits = isLinear(linear, structPages)
    ? structPages % BigInt(source.memory.pageSize) === 0n
    : structPages % lowestBit(sectionArrayBytes) === 0n && baseOf(section, structPages, structPageBytes) === vmemmap;
  return fits && translates(source, structPages + BigInt((probe - startPfn) * structPageBytes));
}

/** Where vmemmap starts: what most sections outside the linear map agree on. */
function usualBase(sections: Iterable<Section>, linear: readonly VirtualRange[], structPageBytes: number): bigint | undefined {
  const votes = new Map<bigint, number>();
  let usual: bigint | undefined;
  for (const section of sections) {
    if (section.structPages === undefined || isLinear(linear, section.structPages)) continue;
    const base = baseOf(section, section.structPages, structPageBytes);
    votes.set(base, (votes.get(base) ?? 0) + 1);
    if (usual === undefined || votes.get(base)! > votes.get(usual)!) usual = base;
  }
  return usual;
}

function baseOf(section: Section, structPages: VirtAddr, structPageBytes: number): bigint {
  return structPages - BigInt(section.startPfn) * BigInt(structPageBytes);
}

/** The segments that tell their virtual address, by it. */
function linearRanges(loads: readonly LoadSegment[]): VirtualRange[] {
  return loads
    .filter(({ virtualAddress }) => virtualAddress !== 0n)
    .map(({ virtualAddress, memoryBytes }) => ({ start: virtualAddress, end: virtualAddress + BigInt(memoryBytes) }));
}

/** In the linear map, where what the kernel allocates lies; so it may be wherever no segment tells its virtual address. */
function isLinear(linear: readonly VirtualRange[], address: VirtAddr): boolean {
  return linear.length === 0 || linear.some(({ start, end }) => address >= start && address < end);
}

function lowestBit(value: bigint): bigint {
  return value & -value;
}

function translates({ virtual, memory }: MemMapSource, address: VirtAddr): boolean {
  try {
    const translation = virtual.translate(address);
    return translation !== undefined && memory.contiguousBytes(translation.physical) > 0;
  } catch {
    return false;
  }
}

/** One block for all sections in a row whose struct pages are in a row too. @param blocks those so far; ascending */
function joinSection(blocks: MemMapBlock[], { startPfn, endPfn, structPages = 0n }: Section, structPageBytes: number): void {
  const last = blocks.at(-1);
  const next = last === undefined ? undefined : last.structPages + BigInt(startPfn - last.startPfn) * BigInt(structPageBytes);
  if (last !== undefined && last.endPfn === startPfn && next === structPages) blocks[blocks.length - 1] = { ...last, endPfn };
  else blocks.push({ startPfn, endPfn, structPages });
}

function sectionWarnings(bad: readonly number[]): string[] {
  if (bad.length === 0) return [];
  const some = bad.slice(0, 8).map(hex);
  return [
    `${bad.length} memory sections lead to no struct pages (${some.join(', ')}${bad.length > 8 ? ', …' : ''}); all their pages are kept`,
  ];
}
