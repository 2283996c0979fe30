/**
 * Every VMCOREINFO key this program reads, in one table: what for, since which kernel, and what cannot be done without it.
 *
 * Nothing asks for a kernel version: a key that is there is used, one that is not has a way without it, or its `neededFor` says what fails.
 *
 * @source kernel/vmcore_info.c (kernel/crash_core.c before 6.9, kernel/kexec.c before 4.13), arch/x86/kernel/vmcore_info_64.c,
 *   arch/arm64/kernel/vmcore_info.c, kernel/printk/printk.c.
 */
import type { Machine } from '../vmcore/physical-memory.ts';
import type { Vmcoreinfo } from './vmcoreinfo.ts';

export type KeyKind = 'plain' | 'symbol' | 'size' | 'offset' | 'length' | 'number';

/** What cannot be done without a key. Copying every page (levels 0 and 1) needs none. */
export type Purpose = 'translate' | 'filter';

export type KeyFact = {
  readonly kind: KeyKind;
  readonly name: string;
  /** Kernels that print it: `4.12`, `3.5–5.9`, `all`. */
  readonly since: string;
  readonly use: string;
  readonly neededFor?: Purpose;
  /** Only kernels of this machine print it. */
  readonly machine?: Machine;
};

const identity: readonly KeyFact[] = [
  { kind: 'plain', name: 'OSRELEASE', since: 'all', use: 'names the kernel in messages and summaries' },
  { kind: 'plain', name: 'PAGESIZE', since: 'all', use: 'bytes of a page' },
  { kind: 'plain', name: 'CRASHTIME', since: 'all', use: 'time stamp of the dump header, seconds since 1970' },
  { kind: 'symbol', name: 'init_uts_ns', since: 'all', use: 'utsname of the dump header' },
  { kind: 'symbol', name: 'system_utsname', since: '–2.6.18', use: 'utsname before there were namespaces' },
  { kind: 'offset', name: 'uts_namespace.name', since: '5.11', use: 'utsname inside its namespace; 4 without the key' },
];

const translation: readonly KeyFact[] = [
  { kind: 'symbol', name: 'swapper_pg_dir', since: 'all', use: 'the top page table', neededFor: 'translate' },
  { kind: 'symbol', name: 'init_top_pgt', since: '4.13', use: 'the top page table by its own name', machine: 'x86_64' },
  { kind: 'symbol', name: 'init_level4_pgt', since: '–4.12', use: 'the top page table by its older name', machine: 'x86_64' },
  { kind: 'number', name: 'phys_base', since: '4.10', use: 'where the kernel image lies; else by its PT_LOAD', machine: 'x86_64' },
  { kind: 'number', name: 'pgtable_l5_enabled', since: '4.17', use: '5 levels instead of 4', machine: 'x86_64' },
  { kind: 'number', name: 'sme_mask', since: '5.0', use: 'the encryption bit in page table entries', machine: 'x86_64' },
  { kind: 'number', name: 'VA_BITS', since: '4.12', use: 'bits the tables were built for', neededFor: 'translate', machine: 'aarch64' },
  { kind: 'number', name: 'TCR_EL1_T1SZ', since: '5.9', use: 'bits the kernel runs with', machine: 'aarch64' },
  { kind: 'number', name: 'kimage_voffset', since: '4.12', use: 'where the kernel image lies', machine: 'aarch64' },
  { kind: 'number', name: 'PHYS_OFFSET', since: '4.12', use: 'where the linear map starts', machine: 'aarch64' },
  { kind: 'symbol', name: '_stext', since: 'all', use: 'tells on which side the linear map is', machine: 'aarch64' },
];

const memoryModel: readonly KeyFact[] = [
  { kind: 'symbol', name: 'mem_section', since: 'all', use: 'roots of SPARSEMEM' },
  { kind: 'size', name: 'mem_section', since: 'all', use: 'stride of the sections' },
  { kind: 'length', name: 'mem_section', since: 'all', use: 'how many roots; tells SPARSEMEM_EXTREME from the flat kind' },
  { kind: 'offset', name: 'mem_section.section_mem_map', since: 'all', use: 'struct pages of a section' },
  { kind: 'number', name: 'SECTION_SIZE_BITS', since: '4.19', use: 'page frames a section' },
  { kind: 'number', name: 'MAX_PHYSMEM_BITS', since: '4.19', use: 'how many sections there can be' },
  { kind: 'symbol', name: 'mem_map', since: 'all', use: 'struct pages of FLATMEM' },
  { kind: 'offset', name: 'pglist_data.node_mem_map', since: 'all', use: 'tells DISCONTIGMEM, which is refused' },
];

const pages: readonly KeyFact[] = [
  { kind: 'size', name: 'page', since: 'all', use: 'stride of struct pages', neededFor: 'filter' },
  { kind: 'offset', name: 'page.flags', since: 'all', use: 'what a page is', neededFor: 'filter' },
  { kind: 'offset', name: 'page.mapping', since: 'all', use: 'anonymous memory', neededFor: 'filter' },
  { kind: 'offset', name: 'page._refcount', since: '4.7', use: 'how often a page is held' },
  { kind: 'offset', name: 'page._count', since: '–4.6', use: 'how often a page is held, by its older name' },
  { kind: 'offset', name: 'page._mapcount', since: '2.6.39', use: 'the type of a page' },
  { kind: 'offset', name: 'page.private', since: '2.6.39', use: 'order of a free block' },
  { kind: 'offset', name: 'page.lru', since: 'all', use: 'compound order and destructor before 4.4' },
  { kind: 'offset', name: 'page.compound_head', since: '4.4–7.0', use: 'tail pages' },
  { kind: 'offset', name: 'page.compound_info', since: '7.1', use: 'tail pages' },
  { kind: 'offset', name: 'page.compound_order', since: '4.4–6.2', use: 'order of a compound page' },
  { kind: 'offset', name: 'page.compound_dtor', since: '4.4–6.2', use: 'tells a hugetlb page' },
  { kind: 'offset', name: 'folio._folio_order', since: '6.3–6.5', use: 'order of a compound page' },
  { kind: 'offset', name: 'folio._folio_dtor', since: '6.3–6.5', use: 'tells a hugetlb page' },
  { kind: 'offset', name: 'list_head.next', since: 'all', use: 'the first word of page.lru' },
  { kind: 'offset', name: 'list_head.prev', since: 'all', use: 'the second word of page.lru' },
  { kind: 'symbol', name: 'free_huge_page', since: '3.15–4.3', use: 'the destructor of hugetlb pages' },
  { kind: 'length', name: 'zone.free_area', since: 'all', use: 'above the largest order of a free block' },
  { kind: 'number', name: 'PG_lru', since: 'all', use: 'page cache' },
  { kind: 'number', name: 'PG_private', since: 'all', use: 'page cache with private data' },
  { kind: 'number', name: 'PG_swapcache', since: 'all', use: 'swap cache' },
  { kind: 'number', name: 'PG_swapbacked', since: '4.11', use: 'tells swap cache from another flag of the same bit' },
  { kind: 'number', name: 'PG_slab', since: '2.6.39–6.9', use: 'slab pages' },
  { kind: 'number', name: 'PG_head_mask', since: '3.17', use: 'head pages' },
  { kind: 'number', name: 'PG_hwpoison', since: '3.6', use: 'memory that must not be read' },
  { kind: 'number', name: 'PG_hugetlb', since: '6.6–6.8', use: 'hugetlb pages' },
  { kind: 'number', name: 'HUGETLB_PAGE_DTOR', since: '4.4–6.5', use: 'hugetlb pages' },
  { kind: 'number', name: 'PAGE_BUDDY_MAPCOUNT_VALUE', since: '2.6.39', use: 'free pages' },
  { kind: 'number', name: 'PAGE_OFFLINE_MAPCOUNT_VALUE', since: '5.1', use: 'memory that must not be read' },
  { kind: 'number', name: 'PAGE_HUGETLB_MAPCOUNT_VALUE', since: '6.9', use: 'hugetlb pages' },
  { kind: 'number', name: 'PAGE_SLAB_MAPCOUNT_VALUE', since: '6.10', use: 'slab pages' },
  { kind: 'number', name: 'PAGE_UNACCEPTED_MAPCOUNT_VALUE', since: '6.16', use: 'memory the guest has not accepted yet' },
];

const log: readonly KeyFact[] = [
  ...symbols('3.5–5.9, and before as plain text', 'the log buffer', ['log_buf', 'log_buf_len', 'log_end']),
  ...symbols('3.5–5.9', 'first and last record', ['log_first_idx', 'log_next_idx', 'clear_idx']),
  ...structure('3.11–5.9', 'printk_log', ['ts_nsec', 'len', 'text_len', 'caller_id']),
  ...structure('3.5–3.10', 'log', ['ts_nsec', 'len', 'text_len']),
  ...symbols('5.10', 'the lockless log buffer, and where it was cleared', ['prb', 'clear_seq']),
  ...structure('5.10', 'printk_ringbuffer', ['desc_ring', 'text_data_ring']),
  ...structure('5.10', 'prb_desc_ring', ['count_bits', 'descs', 'infos', 'head_id', 'tail_id']),
  ...structure('5.10', 'prb_desc', ['state_var', 'text_blk_lpos']),
  ...structure('5.10', 'prb_data_blk_lpos', ['begin', 'next']),
  ...structure('5.10', 'prb_data_ring', ['size_bits', 'data']),
  ...structure('5.10', 'printk_info', ['seq', 'ts_nsec', 'text_len', 'caller_id']),
  ...structure('5.10', 'atomic_long_t', ['counter']),
  ...structure('5.11', 'latched_seq', ['val']),
  { kind: 'length', name: 'latched_seq.val', since: '5.11', use: 'copies of the sequence number' },
];

export const keys: readonly KeyFact[] = [...identity, ...translation, ...memoryModel, ...pages, ...log];

/** The lines of this purpose that the crashed kernel of this machine should have printed and did not: `SIZE(page)`. */
export function missingKeys(info: Vmcoreinfo, machine: Machine, purpose: Purpose): string[] {
  return keys
    .filter((fact) => fact.neededFor === purpose && (fact.machine ?? machine) === machine && info[fact.kind](fact.name) === undefined)
    .map(({ kind, name }) => (kind === 'plain' ? name : `${kind.toUpperCase()}(${name})`));
}

function symbols(since: string, use: string, names: readonly string[]): KeyFact[] {
  return names.map((name) => ({ kind: 'symbol', name, since, use }));
}

function structure(since: string, name: string, members: readonly string[]): KeyFact[] {
  const size: KeyFact = { kind: 'size', name, since, use: 'a structure of the log' };
  return [size, ...members.map((member): KeyFact => ({ kind: 'offset', name: `${name}.${member}`, since, use: 'a member of it' }))];
}
