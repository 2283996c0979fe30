/** Fills struct pages the way the kernel of an era does, from words such as `free order 3` or `anon order 9 hwpoison`. */
import { freeHugePage, hugetlbDestructor, hugetlbFlagBit, type KernelEra } from './kernel-eras.ts';

export const pageUses = ['kernel', 'free', 'unaccepted', 'anon', 'cache', 'swapcache', 'hugetlb', 'slab', 'offline', 'hole'] as const;
export type PageUse = (typeof pageUses)[number];

/** What a run of pages is. */
export type PageClause = {
  readonly start: number;
  /** Exclusive. */
  readonly end: number;
  readonly use: PageUse;
  /** The run is made of blocks of `2 ** order` pages: free blocks, or compound pages. */
  readonly order: number;
  /** Cache pages with private data. */
  readonly private: boolean;
  readonly hwpoison: boolean;
};

/** `0x0-0xff free order 3; 0x100 anon; 0x200-0x3ff hugetlb order 9 hwpoison; 0x400 cache private`. Last page inclusive, as in /proc/iomem. */
export function parsePageClauses(text: string): PageClause[] {
  return text
    .split(';')
    .map((clause) => clause.trim())
    .filter((clause) => clause !== '')
    .map(parseClause);
}

function parseClause(text: string): PageClause {
  const match = /^(0x[0-9a-f]+)(?:-(0x[0-9a-f]+))? (\w+)(?: order (\d+))?( private)?( hwpoison)?$/.exec(text);
  const use = pageUses.find((name) => name === match?.[3]);
  if (match === null || use === undefined) throw new Error(`Cannot understand "${text}"`);
  const start = Number(match[1]);
  const order = Number(match[4] ?? 0);
  const end = match[2] === undefined ? start + 2 ** order : Number(match[2]) + 1;
  if (start % 2 ** order !== 0 || end % 2 ** order !== 0) throw new Error(`Cannot make blocks of order ${order} of "${text}"`);
  return { start, end, use, order, private: match[5] !== undefined, hwpoison: match[6] !== undefined };
}

/** Access to the struct page of a page frame, and its kernel virtual address. */
export type StructPages = { view(pfn: number): DataView; address(pfn: number): bigint };

export function fillStructPages(pages: StructPages, era: KernelEra, clause: PageClause): void {
  const size = 2 ** clause.order;
  for (let head = clause.start; head < clause.end; head += size) {
    for (let pfn = head; pfn < head + size; pfn++) clear(pages.view(pfn), era);
    fillHead(pages.view(head), era, clause);
    if (clause.order > 0 && isCompound(clause.use)) fillCompound(pages, era, clause, head);
  }
}

function isCompound(use: PageUse): boolean {
  return !['free', 'unaccepted', 'offline', 'hole'].includes(use);
}

function clear(view: DataView, era: KernelEra): void {
  for (let i = 0; i < view.byteLength; i++) view.setUint8(i, 0);
  view.setInt32(era.offsets['page._mapcount'], -1, true);
}

function fillHead(view: DataView, era: KernelEra, clause: PageClause): void {
  const { bits, offsets, types } = era;
  const flag = (...names: string[]) => {
    for (const name of names) setLow(view, offsets['page.flags'], 1 << bits[name]);
  };
  const type = (name: string) => {
    if (!(name in types)) throw new Error(`Linux ${era.release} has no ${name} pages`);
    view.setInt32(offsets['page._mapcount'], types[name], true);
  };
  const mapping = (value: bigint) => view.setBigUint64(offsets['page.mapping'], value, true);
  const setters: Record<PageUse, () => void> = {
    kernel: () => flag('reserved'),
    hole: () => {},
    free: () => {
      type('buddy');
      view.setBigUint64(offsets['page.private'], BigInt(clause.order), true);
    },
    unaccepted: () => type('unaccepted'),
    offline: () => type('offline'),
    anon: () => {
      flag('lru', 'uptodate', 'swapbacked');
      mapping(0xffff888001234001n);
      view.setInt32(offsets['page._mapcount'], 0, true);
    },
    cache: () => {
      flag('lru', 'uptodate', 'referenced');
      mapping(0xffff888001234568n);
    },
    swapcache: () => flag('swapcache', 'swapbacked'),
    hugetlb: () => flag('uptodate'),
    slab: () => {
      if (era.slabFlag) flag('slab');
      else type('slab');
      // Since 6.2 the slab's own words lie over `mapping`; one with bit 0 set must not pass for an anonymous page.
      if (era.compound === 'type' || era.compound === 'flag') mapping(0xffff888001234101n);
    },
  };
  setters[clause.use]();
  if (clause.private) flag('private');
  if (clause.hwpoison) flag('hwpoison');
}

/** Head flag, tails, order, and for hugetlb pages the sign of their kind. */
function fillCompound(pages: StructPages, era: KernelEra, clause: PageClause, head: number): void {
  const { bits, offsets } = era;
  const headView = pages.view(head);
  const tail = pages.view(head + 1);
  setLow(headView, offsets['page.flags'], 1 << bits.head);
  for (let pfn = head + 1; pfn < head + 2 ** clause.order; pfn++) {
    const compoundHead = offsets['page.compound_head'] ?? offsets['page.compound_info'];
    if (compoundHead === undefined) setLow(pages.view(pfn), offsets['page.flags'], 1 << bits.tail);
    else pages.view(pfn).setBigUint64(compoundHead, pages.address(head) | 1n, true);
  }
  const hugetlb = clause.use === 'hugetlb';
  const destructor = hugetlb ? hugetlbDestructor : 1;
  switch (era.compound) {
    case 'lru':
      tail.setBigUint64(offsets['page.lru'] + 8, BigInt(clause.order), true);
      tail.setBigUint64(offsets['page.lru'], hugetlb ? freeHugePage : freeHugePage + 0x1000n, true);
      break;
    case 'u8':
      tail.setUint8(offsets['page.compound_order'], clause.order);
      tail.setUint8(offsets['page.compound_dtor'], destructor);
      // compound_mapcount and compound_nr follow at once.
      tail.setInt32(offsets['page.compound_order'] + 3, -1, true);
      break;
    case 'u16':
      tail.setUint16(offsets['page.compound_order'], clause.order, true);
      tail.setUint16(offsets['page.compound_dtor'], destructor, true);
      break;
    case 'u32':
      tail.setUint32(offsets['page.compound_order'], clause.order, true);
      tail.setUint32(offsets['page.compound_dtor'], destructor, true);
      break;
    case 'folio':
      tail.setUint8(offsets['folio._folio_order'] - tail.byteLength, clause.order);
      tail.setUint8(offsets['folio._folio_dtor'] - tail.byteLength, destructor);
      break;
    case 'flag':
      setLow(tail, offsets['page.flags'], clause.order | (hugetlb ? 1 << hugetlbFlagBit : 0));
      break;
    case 'type':
      setLow(tail, offsets['page.flags'], clause.order);
      if (hugetlb) headView.setInt32(offsets['page._mapcount'], era.types.hugetlb, true);
      break;
  }
}

function setLow(view: DataView, offset: number, bits: number): void {
  view.setInt32(offset, view.getInt32(offset, true) | bits, true);
}
