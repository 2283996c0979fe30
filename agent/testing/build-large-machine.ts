/**
 * Writes the vmcore of an x86_64 machine of any size up to 12 TiB into a sparse file of some hundred megabytes.
 *
 * ```
 * physical   0 … own end       the kernel's own: struct pages, table of sections, page tables
 *            1 GiB …           the machine's memory, chunk after chunk, a hole at the end of each
 * file       headers, notes | the kernel's own | the memory
 * ```
 * Every GiB of the memory is used alike: its page tables lead to the same struct pages, as many as a GiB has. The memory itself is a hole of the
 * file but for some of the pages that a dump keeps.
 */
import { closeSync, ftruncateSync, openSync, writeSync } from 'node:fs';
import { emptyCounts, type PageCounts } from '../classify/page-kind.ts';
import { elfHeader, PT_LOAD, PT_NOTE, programHeader } from '../vmcore/elf-layout.ts';
import {
  directMap,
  kernelImage,
  memMapVmcoreinfo,
  sectionEntryBytes,
  sectionsPerRoot,
  vmemmap,
  writeUtsNamespace,
} from './build-mem-map.ts';
import { buildPageTable, type Mapping } from './build-page-table.ts';
import { buildElfHeader, buildNotes, PhysicalImage } from './build-vmcore.ts';
import { fillStructPages, type PageClause, parsePageClauses } from './fill-struct-page.ts';
import { kernelEras } from './kernel-eras.ts';

const pageSize = 4096;
const [KiB, MiB, GiB] = [2 ** 10, 2 ** 20, 2 ** 30];
const structPageBytes = 64;
const sectionBits = 27;
const physicalBits = 46;
const pagesPerGiB = GiB / pageSize;
const pagesPerSection = 2 ** sectionBits / pageSize;
/** Struct pages of a section fill one block of the page tables. */
const blockBytes = pagesPerSection * structPageBytes;
const sectionsPerGiB = pagesPerGiB / pagesPerSection;
const era = kernelEras['6.12'];

/** What a GiB is used for: half of it in blocks, half page by page, as machines at work are. */
const use = `0x0-0xffff free order 10; 0x10000-0x11fff free order 3; 0x12000-0x120ff free;
  0x12100-0x1ffff cache; 0x20000-0x20fff cache private; 0x21000-0x2ffff anon; 0x30000-0x33fff anon order 9;
  0x34000-0x37fff hugetlb order 9; 0x38000-0x3bfff cache order 4; 0x3c000-0x3c03f slab order 3; 0x3c040-0x3c05e kernel;
  0x3c05f kernel hwpoison; 0x3c060-0x3c0ff offline; 0x3c100-0x3c1ff swapcache; 0x3c200-0x3fbff cache; 0x3fc00-0x3ffff free order 10`;

/** At the end of each chunk, where the last clause is. */
const holePages = 0x400;

/** One GiB in so many. */
const filledEvery = 16;

/** Where the kernel's own lies in physical memory. */
const own = { pattern: 2 * MiB, structPages: 18 * MiB, root: 20 * MiB, uts: 20 * MiB + 4 * KiB, roots: 20 * MiB + 8 * KiB } as const;
const rootsBytes = (2 ** (physicalBits - sectionBits) / sectionsPerRoot) * 8;
const sectionTable = own.roots + rootsBytes;

export type LargeMachineOptions = {
  /** Whole GiB; the kernel's own comes on top. */
  readonly memoryGiB: number;
  /** Memory in one PT_LOAD. Default 256. */
  readonly chunkGiB?: number;
};

export type LargeMachine = {
  readonly endPfn: number;
  /** At dump level 31. */
  readonly counts: PageCounts;
  /** Writes the vmcore; the file must not be there. */
  write(path: string): void;
};

export function buildLargeMachine({ memoryGiB, chunkGiB = 256 }: LargeMachineOptions): LargeMachine {
  const clauses = parsePageClauses(use.replaceAll('\n', ' '));
  const ownBytes = buildOwn(memoryGiB, clauses);
  const chunks = Array.from({ length: Math.ceil(memoryGiB / chunkGiB) }, (_, index) => ({
    start: 1 + index * chunkGiB,
    gib: Math.min(chunkGiB, memoryGiB - index * chunkGiB),
  }));
  return {
    endPfn: (1 + memoryGiB) * pagesPerGiB - holePages,
    counts: countPages(clauses, ownBytes, memoryGiB, chunks.length),
    write: (path) => writeVmcore(path, ownBytes, { memoryGiB, chunks, clauses }),
  };
}

/** The kernel's own memory from physical address 0 on. */
function buildOwn(memoryGiB: number, clauses: readonly PageClause[]): Uint8Array {
  const sections = (1 + memoryGiB) * sectionsPerGiB;
  const pageTables = Math.ceil((sectionTable + sections * sectionEntryBytes) / pageSize) * pageSize;
  const image = new PhysicalImage(pageSize);
  const mappings: Mapping[] = [kernelImage, directMap].map((virtual) => ({ virtual, physical: 0, bytes: 32 * MiB, blockBytes: 2 * MiB }));
  for (const section of presentSections(memoryGiB)) {
    const physical = section === 0 ? own.structPages : own.pattern + (section % sectionsPerGiB) * blockBytes;
    mappings.push({ virtual: vmemmap + BigInt(section) * BigInt(blockBytes), physical, bytes: blockBytes, blockBytes });
  }
  const end = buildPageTable(image, { format: { machine: 'x86_64', levels: 4 }, root: own.root, tables: pageTables, mappings });
  const bytes = new Uint8Array(Math.ceil(end / MiB) * MiB);
  for (const { physicalAddress, data } of image.segments()) bytes.set(data, physicalAddress);
  fill(bytes.subarray(own.pattern), 0, clauses);
  fill(bytes.subarray(own.structPages), 0, [{ start: 0, end: pagesPerSection, use: 'kernel', order: 0, private: false, hwpoison: false }]);
  writeUtsNamespace(era, (offset, text) => bytes.set(text, own.uts + offset));
  writeSections(new DataView(bytes.buffer), memoryGiB);
  return bytes;
}

/** That of the kernel's own, and those of the memory. */
function presentSections(memoryGiB: number): number[] {
  return [0, ...Array.from({ length: memoryGiB * sectionsPerGiB }, (_, index) => sectionsPerGiB + index)];
}

function fill(bytes: Uint8Array, firstPfn: number, clauses: readonly PageClause[]): void {
  const pages = {
    view: (pfn: number) => new DataView(bytes.buffer, bytes.byteOffset + (pfn - firstPfn) * structPageBytes, structPageBytes),
    address: (pfn: number) => vmemmap + BigInt(pfn * structPageBytes),
  };
  for (const clause of clauses) fillStructPages(pages, era, clause);
}

function writeSections(view: DataView, memoryGiB: number): void {
  const roots = Math.ceil(((1 + memoryGiB) * sectionsPerGiB) / sectionsPerRoot);
  for (let root = 0; root < roots; root++)
    view.setBigUint64(own.roots + root * 8, directMap + BigInt(sectionTable + root * pageSize), true);
  for (const section of presentSections(memoryGiB)) view.setBigUint64(sectionTable + section * sectionEntryBytes, vmemmap | 0xfn, true);
}

function countPages(clauses: readonly PageClause[], ownBytes: Uint8Array, memoryGiB: number, chunks: number): PageCounts {
  const counts = emptyCounts();
  for (const clause of clauses) {
    const inHole = Math.max(0, clause.end - Math.max(clause.start, pagesPerGiB - holePages));
    const pages = (clause.end - clause.start) * memoryGiB - inHole * chunks;
    counts[kindOf(clause)] += pages;
    if (kindOf(clause) !== 'kept') continue;
    for (let pfn = clause.start; pfn < clause.end; pfn++) move(counts, memoryGiB - (isFilled(pfn) ? filledGiB(memoryGiB).length : 0));
  }
  counts.kept += ownBytes.length / pageSize;
  for (let at = 0; at < ownBytes.length; at += pageSize)
    if (!ownBytes.subarray(at, at + pageSize).some((byte) => byte !== 0)) move(counts, 1);
  counts.original = Object.values(counts).reduce((sum, pages) => sum + pages, 0);
  counts.hole = (1 + memoryGiB) * pagesPerGiB - holePages - counts.original;
  return counts;
}

/** So many pages that are kept are pages of zeros. */
function move(counts: PageCounts, pages: number): void {
  counts.kept -= pages;
  counts.zero += pages;
}

function kindOf({
  use,
  private: isPrivate,
  hwpoison,
}: PageClause): 'kept' | 'free' | 'cache' | 'cachePrivate' | 'user' | 'hwpoison' | 'offline' {
  if (hwpoison) return 'hwpoison';
  if (use === 'anon' || use === 'hugetlb') return 'user';
  if (use === 'cache' || use === 'swapcache') return isPrivate ? 'cachePrivate' : 'cache';
  return use === 'free' || use === 'offline' ? use : 'kept';
}

/** The GiB in which pages that are kept hold something: the file is to be small. */
function filledGiB(memoryGiB: number): number[] {
  return Array.from({ length: Math.ceil(memoryGiB / filledEvery) }, (_, index) => index * filledEvery);
}

/** In those, of the pages that are kept. */
function isFilled(pfn: number): boolean {
  return pfn % 4 !== 0;
}

type Chunk = { readonly start: number; readonly gib: number };

type Contents = { readonly memoryGiB: number; readonly chunks: readonly Chunk[]; readonly clauses: readonly PageClause[] };

function writeVmcore(path: string, ownBytes: Uint8Array, { memoryGiB, chunks, clauses }: Contents): void {
  const notes = buildNotes({ cpus: 2, vmcoreinfo: describe() });
  const count = chunks.length + 2;
  const notesAt = elfHeader.sizeBytes + count * programHeader.sizeBytes;
  const ownAt = Math.ceil((notesAt + notes.length) / MiB) * MiB;
  const memoryAt = ownAt + ownBytes.length;
  const load = (offset: number, physical: number, bytes: number) =>
    programHeader.write({
      type: PT_LOAD,
      offset: BigInt(offset),
      vaddr: directMap + BigInt(physical),
      paddr: BigInt(physical),
      filesz: BigInt(bytes),
      memsz: BigInt(bytes),
    });
  const memoryBytes = ({ gib }: Chunk) => gib * GiB - holePages * pageSize;
  const headers = [
    buildElfHeader({}, count, notesAt),
    programHeader.write({ type: PT_NOTE, offset: BigInt(notesAt), filesz: BigInt(notes.length), memsz: BigInt(notes.length) }),
    load(ownAt, 0, ownBytes.length),
    ...chunks.map((chunk) => load(memoryAt + (chunk.start - 1) * GiB, chunk.start * GiB, memoryBytes(chunk))),
  ];
  const file = openSync(path, 'wx', 0o600);
  try {
    writeSync(file, Buffer.concat([...headers, notes]), 0, undefined, 0);
    writeSync(file, ownBytes, 0, ownBytes.length, ownAt);
    for (const gib of filledGiB(memoryGiB)) writeKept(file, memoryAt + gib * GiB, gib, clauses);
    ftruncateSync(file, memoryAt + memoryGiB * GiB - holePages * pageSize);
  } finally {
    closeSync(file);
  }
}

function writeKept(file: number, at: number, gib: number, clauses: readonly PageClause[]): void {
  for (const { start, end } of clauses.filter((clause) => kindOf(clause) === 'kept')) {
    const bytes = new Uint8Array((end - start) * pageSize);
    for (let pfn = start; pfn < end; pfn++)
      if (isFilled(pfn)) fillPage(bytes.subarray((pfn - start) * pageSize, (pfn - start + 1) * pageSize), pfn + gib);
    writeSync(file, bytes, 0, bytes.length, at + start * pageSize);
  }
}

/** Shrinks to a third or so, as kernel memory does. */
function fillPage(page: Uint8Array, seed: number): void {
  let state = Math.imul(seed, 2654435761) | 1;
  for (let i = 0; i < page.length; i++) {
    state ^= state << 13;
    state ^= state >>> 17;
    state ^= state << 5;
    page[i] = i % 32 < 20 ? seed & 0xff : state & 0x3f;
  }
}

function describe(): string {
  const symbol = (physical: number) => kernelImage + BigInt(physical);
  return memMapVmcoreinfo(era, {
    symbols: {
      init_uts_ns: symbol(own.uts),
      swapper_pg_dir: symbol(own.root),
      init_top_pgt: symbol(own.root),
      _stext: kernelImage + 0x1000000n,
      mem_section: symbol(own.roots),
    },
    structPageBytes,
    sectionLength: { mem_section: 2 ** (physicalBits - sectionBits) / sectionsPerRoot },
    sectionBits,
    physicalBits,
  });
}
