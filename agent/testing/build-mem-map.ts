/**
 * Builds a small x86_64 machine whose pages are what a few words say, complete enough for every reader of vmcores: page tables, memory
 * model, struct pages, VMCOREINFO.
 *
 * `buildMemMap('0x0-0xff free order 3; 0x100 anon; 0x200-0x3ff hugetlb order 9', { era: '5.10' }).vmcore()`
 *
 * Behind the pages that the words name lie the kernel's own (struct pages, tables), which are kernel pages too. Physical address p of
 * that part is at `kernelImage + p` and at `directMap + p`.
 */
import { encodeText } from '../binary/text.ts';
import { buildPageTable, type Mapping } from './build-page-table.ts';
import { buildVmcore, PhysicalImage } from './build-vmcore.ts';
import { buildVmcoreinfo } from './build-vmcoreinfo.ts';
import { fillStructPages, type PageClause, parsePageClauses } from './fill-struct-page.ts';
import { type EraName, eraNumbers, freeHugePage, freeOrders, type KernelEra, kernelEras } from './kernel-eras.ts';

const pageSize = 4096;
export const kernelImage = 0xffffffff80000000n;
export const directMap = 0xffff888000000000n;
export const vmemmap = 0xffffea0000000000n;
const physicalBits = 40;
export const sectionEntryBytes = 16;

export type MemMapOptions = {
  readonly era?: EraName;
  /** Default `vmemmap`: SPARSEMEM_EXTREME with one virtual array of struct pages. `extreme` and `sparse` have an array a section. */
  readonly model?: 'vmemmap' | 'extreme' | 'sparse' | 'flat';
  /** How struct pages are mapped. Default `blocks` of 2 MiB; `pages` maps them one by one, to page frames in no order. */
  readonly mapping?: 'blocks' | 'pages';
  /** SYMBOL(mem_section) is the address of a pointer to the roots, instead of theirs. */
  readonly rootsThroughPointer?: boolean;
  /** SECTION_SIZE_BITS. Default 27; smaller ones make several sections of few pages. */
  readonly sectionBits?: number;
  /** SIZE(page). Default 64. */
  readonly structPageBytes?: number;
  /** Changes to VMCOREINFO: a value replaces, `undefined` takes out. Keys as printed: `NUMBER(PG_lru)`. */
  readonly vmcoreinfo?: { readonly [key: string]: string | undefined };
  /** Bytes from physical address 0 that are mapped at `kernelImage` too, as the kernel's own are. Default 0. */
  readonly kernelBytes?: number;
  /** What the data pages hold. Default: nothing but zeros. */
  readonly fill?: (pfn: number, page: Uint8Array) => void;
};

export class MemMapMachine {
  readonly era: KernelEra;
  readonly endPfn: number;
  /** Page frames named by the words; the kernel's own begin here. */
  readonly ownPfn: number;
  readonly structPageBytes: number;
  /** All struct pages, that of page frame 0 first. */
  readonly structPages: Uint8Array;
  readonly #options: MemMapOptions;
  readonly #clauses: readonly PageClause[];
  readonly #layout: OwnLayout;

  constructor(words: string, options: MemMapOptions) {
    this.#options = options;
    this.era = kernelEras[options.era ?? '5.10'];
    this.structPageBytes = options.structPageBytes ?? 64;
    this.#clauses = parsePageClauses(words);
    this.ownPfn = Math.ceil(Math.max(1, ...this.#clauses.map(({ end }) => end)) / 512) * 512;
    this.#layout = layOut(this.ownPfn, this.structPageBytes, this.#pagesPerSection(), options);
    this.endPfn = this.#layout.endPfn;
    this.structPages = new Uint8Array(this.endPfn * this.structPageBytes);
    this.#fill({ start: 0, end: this.endPfn, use: 'kernel', order: 0, private: false, hwpoison: false });
    for (const clause of this.#clauses) this.#fill(clause);
  }

  structPage(pfn: number): DataView {
    return new DataView(this.structPages.buffer, pfn * this.structPageBytes, this.structPageBytes);
  }

  /** Kernel virtual address of the struct page. */
  structPageAddress(pfn: number): bigint {
    const { model = 'vmemmap' } = this.#options;
    if (model === 'vmemmap') return vmemmap + BigInt(pfn * this.structPageBytes);
    if (model === 'flat') return directMap + BigInt(this.#layout.structPages + pfn * this.structPageBytes);
    const section = Math.floor(pfn / this.#pagesPerSection());
    return this.#sectionArray(section) + BigInt((pfn % this.#pagesPerSection()) * this.structPageBytes);
  }

  /** Physical address of a byte of the struct page array of vmemmap and flat machines. */
  structPagePhysical(pfn: number): number {
    const { model = 'vmemmap', mapping = 'blocks' } = this.#options;
    const offset = pfn * this.structPageBytes;
    const page = Math.floor(offset / pageSize);
    if (model === 'vmemmap' && mapping === 'pages')
      return this.#layout.structPages + shuffled(page, this.#layout.structFrames) * pageSize + (offset % pageSize);
    return this.#layout.structPages + offset;
  }

  /** Physical addresses of what leads to the struct pages, for tests that damage it. */
  get tables(): { readonly roots: number; readonly sections: number; readonly pageTables: number; readonly data: number } {
    return { roots: this.#layout.roots, sections: this.#layout.sections, pageTables: this.#layout.pageTables, data: this.#layout.data };
  }

  vmcoreinfo(): string {
    const text = memMapVmcoreinfo(this.era, {
      symbols: this.#symbols(),
      structPageBytes: this.structPageBytes,
      sectionLength: this.#sectionLength(),
      sectionBits: this.#sectionBits(),
      physicalBits,
    });
    const changes = this.#options.vmcoreinfo ?? {};
    const lines = text.split('\n').filter((line) => line !== '' && !(line.split('=')[0] in changes));
    const added = Object.entries(changes).flatMap(([key, value]) => (value === undefined ? [] : [`${key}=${value}`]));
    return `${[...lines, ...added].join('\n')}\n`;
  }

  vmcore(): Uint8Array<ArrayBuffer> {
    const image = this.image();
    const segments = image.segments((physical) => directMap + BigInt(physical));
    return buildVmcore({ segments, vmcoreinfo: this.vmcoreinfo() });
  }

  /** The machine's memory, to change before `buildVmcore` is called on its segments. */
  image(): PhysicalImage {
    const image = new PhysicalImage(pageSize);
    for (let pfn = 0; pfn < this.endPfn; pfn++) if (!this.#isHole(pfn)) image.page(pfn);
    for (let pfn = 0; pfn < this.ownPfn; pfn++) if (!this.#isHole(pfn)) this.#options.fill?.(pfn, image.page(pfn));
    writeUtsNamespace(this.era, (offset, bytes) => image.write(this.#layout.data + offset, bytes));
    this.#writeStructPages(image);
    this.#writeSections(image);
    const mappings = [...this.#ownMappings(), ...this.#vmemmapMappings()];
    buildPageTable(image, { format: { machine: 'x86_64', levels: 4 }, root: this.#layout.root, tables: this.#layout.pageTables, mappings });
    return image;
  }

  #isHole(pfn: number): boolean {
    return this.#clauses.findLast(({ start, end }) => pfn >= start && pfn < end)?.use === 'hole';
  }

  #fill(clause: PageClause): void {
    const pages = { view: (pfn: number) => this.structPage(pfn), address: (pfn: number) => this.structPageAddress(pfn) };
    fillStructPages(pages, this.era, clause);
  }

  #sectionBits(): number {
    return this.#options.sectionBits ?? 27;
  }

  #pagesPerSection(): number {
    return 2 ** this.#sectionBits() / pageSize;
  }

  /** Virtual address of the struct pages of one section, where each section has an array of its own, in descending order. */
  #sectionArray(section: number): bigint {
    const { structPages, sectionStride, sectionCount } = this.#layout;
    return directMap + BigInt(structPages + (sectionCount - 1 - section) * sectionStride);
  }

  #writeStructPages(image: PhysicalImage): void {
    const { model = 'vmemmap' } = this.#options;
    for (let pfn = 0; pfn < this.endPfn; ) {
      const piece = model === 'vmemmap' ? 1 : model === 'flat' ? this.endPfn : this.#pagesPerSection();
      const end = Math.min(this.endPfn, pfn + piece);
      const bytes = this.structPages.subarray(pfn * this.structPageBytes, end * this.structPageBytes);
      if (model === 'vmemmap') this.#writeVmemmap(image, pfn, bytes);
      else image.write(Number(this.structPageAddress(pfn) - directMap), bytes);
      pfn = end;
    }
  }

  /** A struct page may straddle two pages that are mapped to different places. */
  #writeVmemmap(image: PhysicalImage, pfn: number, bytes: Uint8Array): void {
    const offset = (pfn * this.structPageBytes) % pageSize;
    const first = Math.min(bytes.length, pageSize - offset);
    image.write(this.structPagePhysical(pfn), bytes.subarray(0, first));
    if (first < bytes.length) image.write(this.structPagePhysical(pfn + 1) - (bytes.length - first), bytes.subarray(first));
  }

  #writeSections(image: PhysicalImage): void {
    const { model = 'vmemmap' } = this.#options;
    const { roots, sections, sectionCount, data } = this.#layout;
    if (model === 'flat') return image.writeU64(data + 0x800, directMap + BigInt(this.#layout.structPages));
    if (model !== 'sparse') {
      for (let root = 0; root * sectionsPerRoot < sectionCount; root++)
        image.writeU64(roots + root * 8, directMap + BigInt(sections + root * pageSize));
    }
    image.writeU64(data + 0x800, kernelImage + BigInt(roots));
    for (let section = 0; section < sectionCount; section++) {
      const start = section * this.#pagesPerSection();
      if (this.#allHole(start, start + this.#pagesPerSection())) continue;
      const coded = this.structPageAddress(start) - BigInt(start * this.structPageBytes);
      image.writeU64(sections + section * sectionEntryBytes, BigInt.asUintN(64, coded) | 0xfn);
    }
  }

  #allHole(start: number, end: number): boolean {
    for (let pfn = start; pfn < Math.min(end, this.endPfn); pfn++) if (!this.#isHole(pfn)) return false;
    return true;
  }

  #symbols(): { [name: string]: bigint } {
    const { root, roots, sections, data } = this.#layout;
    const { model = 'vmemmap', rootsThroughPointer } = this.#options;
    const own = (physical: number) => kernelImage + BigInt(physical);
    const sectionTable = model === 'sparse' ? sections : rootsThroughPointer ? data + 0x800 : roots;
    const memory: Record<string, bigint> = model === 'flat' ? { mem_map: own(data + 0x800) } : { mem_section: own(sectionTable) };
    const free: Record<string, bigint> = this.era.compound === 'lru' ? { free_huge_page: freeHugePage } : {};
    return {
      init_uts_ns: own(data),
      swapper_pg_dir: own(root),
      init_top_pgt: own(root),
      _stext: kernelImage + 0x1000000n,
      ...memory,
      ...free,
    };
  }

  #sectionLength(): { [name: string]: number } {
    const { model = 'vmemmap' } = this.#options;
    const sections = 2 ** (physicalBits - this.#sectionBits());
    if (model === 'flat') return {};
    return { mem_section: model === 'sparse' ? sections : Math.ceil(sections / sectionsPerRoot) };
  }

  #ownMappings(): Mapping[] {
    const physical = this.ownPfn * pageSize;
    const bytes = (this.endPfn - this.ownPfn) * pageSize;
    const { kernelBytes = 0 } = this.#options;
    return [
      ...(kernelBytes === 0 ? [] : [{ virtual: kernelImage, physical: 0, bytes: kernelBytes }]),
      { virtual: kernelImage + BigInt(physical), physical, bytes },
      { virtual: directMap + BigInt(physical), physical, bytes },
    ];
  }

  #vmemmapMappings(): Mapping[] {
    const { model = 'vmemmap', mapping = 'blocks' } = this.#options;
    const { structPages, structFrames } = this.#layout;
    if (model !== 'vmemmap') return [];
    if (mapping === 'blocks') {
      const blockBytes = 2 * 1024 * 1024;
      return [
        { virtual: vmemmap, physical: structPages, bytes: Math.ceil((structFrames * pageSize) / blockBytes) * blockBytes, blockBytes },
      ];
    }
    return Array.from({ length: structFrames }, (_, page) => ({
      virtual: vmemmap + BigInt(page * pageSize),
      physical: structPages + shuffled(page, structFrames) * pageSize,
      bytes: pageSize,
    }));
  }
}

type Geometry = {
  readonly symbols: { readonly [name: string]: bigint };
  readonly structPageBytes: number;
  /** LENGTH(mem_section), where there is one. */
  readonly sectionLength: { readonly [name: string]: number };
  readonly sectionBits: number;
  readonly physicalBits: number;
};

/** What a kernel of the era says of itself, with the symbols and sizes of one machine. */
export function memMapVmcoreinfo(era: KernelEra, { symbols, structPageBytes, sectionLength, sectionBits, physicalBits }: Geometry): string {
  return buildVmcoreinfo({
    plain: { OSRELEASE: era.release, PAGESIZE: pageSize, CRASHTIME: 1700000000 },
    symbols,
    sizes: {
      page: structPageBytes,
      mem_section: sectionEntryBytes,
      list_head: 16,
      pglist_data: 5824,
      zone: 1664,
      free_area: 104,
      nodemask_t: 128,
    },
    offsets: { ...era.offsets, ...otherOffsets },
    lengths: { 'zone.free_area': freeOrders, 'free_area.free_list': 6, ...sectionLength },
    numbers: {
      ...eraNumbers(era),
      phys_base: 0,
      pgtable_l5_enabled: 0,
      SECTION_SIZE_BITS: sectionBits,
      MAX_PHYSMEM_BITS: physicalBits,
    },
  });
}

/** What `init_uts_ns` holds. @param write takes offsets from its start. */
export function writeUtsNamespace(era: KernelEra, write: (offset: number, bytes: Uint8Array) => void): void {
  write(0, encodeText('\0\0\0\0Linux\0'));
  write(4 + 65 * 2, encodeText(`${era.release}\0`));
  write(4 + 65 * 4, encodeText('x86_64\0'));
}

export function buildMemMap(words: string, options: MemMapOptions = {}): MemMapMachine {
  return new MemMapMachine(words, options);
}

export const sectionsPerRoot = pageSize / sectionEntryBytes;

const otherOffsets = {
  'uts_namespace.name': 4,
  'mem_section.section_mem_map': 0,
  'list_head.next': 0,
  'list_head.prev': 8,
  'zone.free_area': 192,
  'zone.vm_stat': 1472,
  'zone.spanned_pages': 120,
  'free_area.free_list': 0,
  'pglist_data.node_zones': 0,
  'pglist_data.nr_zones': 5632,
  'pglist_data.node_start_pfn': 5640,
  'pglist_data.node_spanned_pages': 5656,
};

/** Physical addresses of the kernel's own part. */
type OwnLayout = {
  readonly structPages: number;
  readonly structFrames: number;
  readonly sectionStride: number;
  readonly sectionCount: number;
  readonly root: number;
  readonly data: number;
  readonly roots: number;
  readonly sections: number;
  readonly pageTables: number;
  readonly endPfn: number;
};

function layOut(ownPfn: number, structPageBytes: number, pagesPerSection: number, options: MemMapOptions): OwnLayout {
  const { model = 'vmemmap' } = options;
  const rootPages =
    model === 'sparse' || model === 'flat'
      ? 0
      : Math.ceil((2 ** (physicalBits - (options.sectionBits ?? 27)) * 8) / sectionsPerRoot / pageSize);
  // The struct pages describe the pages they lie in, so their number is found by trying.
  for (let endPfn = ownPfn + 32; ; endPfn += 32) {
    const sectionCount = Math.ceil(endPfn / pagesPerSection);
    const ownArrays = model === 'extreme' || model === 'sparse';
    const sectionStride = ownArrays ? (Math.ceil((Math.min(endPfn, pagesPerSection) * structPageBytes) / pageSize) + 1) * pageSize : 0;
    const structFrames = ownArrays ? (sectionCount * sectionStride) / pageSize : Math.ceil((endPfn * structPageBytes) / pageSize);
    const structPages = ownPfn * pageSize;
    const root = structPages + structFrames * pageSize;
    const data = root + pageSize;
    const roots = data + pageSize;
    const sections = roots + rootPages * pageSize;
    const pageTables = sections + Math.ceil((sectionCount * sectionEntryBytes) / pageSize) * pageSize;
    const tableFrames = 12 + 3 * Math.ceil((endPfn - ownPfn) / 512);
    if (pageTables / pageSize + tableFrames <= endPfn) {
      return { structPages, structFrames, sectionStride, sectionCount, root, data, roots, sections, pageTables, endPfn };
    }
  }
}

/** A page frame for each page of the array, none next to its neighbour's. */
function shuffled(page: number, frames: number): number {
  const half = Math.ceil(frames / 2);
  return page % 2 === 0 ? half - 1 - page / 2 : frames - 1 - (page - 1) / 2;
}
