/**
 * The memory of a machine that never was: small, and complete enough for a capture to find its log, tell its pages apart and save them.
 *
 * ```
 * 0x0000 nothing | 0x1000 page tables | 0x4000 variables | 0x10000 log | struct pages | blocks of kernel, free, cache and user pages
 * ```
 *
 * x86_64 with 4-level page tables, FLATMEM, the log as kernels before 3.5 kept it: the simplest that each reader knows. The kernel is mapped at
 * `kernelImage`, all memory at `directMap`.
 */
import { encodeText } from '../../../binary/text.ts';
import { MiB } from '../../../binary/units.ts';

export type MadeMachine = {
  /** All of its memory, from physical address 0 on. */
  readonly memory: Uint8Array;
  readonly vmcoreinfo: string;
  readonly release: string;
  readonly host: string;
  readonly log: string;
  /** What a dump of level 31 must find. Pages of the kernel that hold nothing count as zero pages. */
  readonly pages: { readonly cache: number; readonly user: number; readonly free: number };
};

export type MadeMachineOptions = {
  /** A multiple of 4 MiB, from 8 MiB to 2 GiB. */
  readonly memoryBytes: number;
  /** Stands in the log. */
  readonly id: string;
  /** Seconds since 1970. */
  readonly crashTime: number;
};

const pageBytes = 4096;
export const kernelImage = 0xffffffff80000000n;
export const directMap = 0xffff888000000000n;
/** The last kernel with this kind of log, for tools that ask the version. */
const release = '3.4.0-kcapture-test';
const host = 'made-machine';

const places = {
  top: 0x1000,
  kernel: 0x2000,
  middle: 0x3000,
  direct: 0x5000,
  directMiddle: 0x6000,
  variables: 0x4000,
  log: 0x10000,
} as const;
const logBytes = 0x10000;
const structPagesAt = 0x100000;
const structPage = { sizeBytes: 64, flags: 0, lru: 8, mapping: 24, private: 40, mapcount: 48, refcount: 52 } as const;
const flagBits = { lru: 4, slab: 9, reserved: 12, private: 13, head: 16, swapcache: 10, swapbacked: 19, hwpoison: 22 } as const;
const buddyType = ~0x80;
/** A block of free pages of this order fills one block of the machine. */
const blockPages = 512;
const freeOrder = 9;

type Use = 'kernel' | 'free' | 'cache' | 'user';
/** What follows the struct pages, over and over: a machine at work. */
const pattern: readonly Use[] = ['kernel', 'free', 'cache', 'user', 'free', 'cache', 'user', 'free'];

/** The same options give the same memory. */
export function makeMachine({ memoryBytes, id, crashTime }: MadeMachineOptions): MadeMachine {
  const memory = new Uint8Array(memoryBytes);
  const view = new DataView(memory.buffer);
  const log = makeLog(id);
  mapMemory(view, memoryBytes);
  writeVariables(memory, view, log);
  const pages = fillPages(memory, view);
  return { memory, vmcoreinfo: makeVmcoreinfo(crashTime), release, host, log, pages };
}

function makeLog(id: string): string {
  const lines = [
    'Linux version 3.4.0-kcapture-test (made for a test)',
    `kcapture: test ${id}: this machine was made up, nothing has crashed`,
    'sysrq: Trigger a crash',
    'Kernel panic - not syncing: sysrq triggered crash',
    'CPU: 0 PID: 1 Comm: kcapture Not tainted 3.4.0-kcapture-test #1',
    'Call Trace:',
    ' panic+0x10/0x20',
    ' sysrq_handle_crash+0x1a/0x20',
  ];
  return lines.map((line, index) => `[${(index + 1).toString().padStart(5)}.000000] ${line}\n`).join('');
}

/** Large pages all the way: 2 MiB below the kernel's half, 2 MiB in the direct map. @source Intel SDM volume 3, 4.5 */
function mapMemory(view: DataView, memoryBytes: number): void {
  const table = 0x63n;
  const large = 0xe3n;
  const index = (address: bigint, shift: bigint) => Number((address >> shift) & 511n);
  view.setBigUint64(places.top + index(kernelImage, 39n) * 8, BigInt(places.kernel) | table, true);
  view.setBigUint64(places.kernel + index(kernelImage, 30n) * 8, BigInt(places.middle) | table, true);
  view.setBigUint64(places.top + index(directMap, 39n) * 8, BigInt(places.direct) | table, true);
  for (let gigabyte = 0; gigabyte < 2; gigabyte++) {
    view.setBigUint64(places.direct + gigabyte * 8, BigInt(places.directMiddle + gigabyte * pageBytes) | table, true);
  }
  for (let block = 0; block < memoryBytes / (2 * MiB); block++) {
    const entry = BigInt(block * 2 * MiB) | large;
    view.setBigUint64(places.directMiddle + block * 8, entry, true);
    if (block < 512) view.setBigUint64(places.middle + block * 8, entry, true);
  }
}

/** Addresses of variables behind `places.variables`. */
const variable = { uts: 0, memMap: 0x800, logBuffer: 0x808, logLength: 0x810, logEnd: 0x814 } as const;

function writeVariables(memory: Uint8Array, view: DataView, log: string): void {
  const at = (name: keyof typeof variable) => places.variables + variable[name];
  for (const [field, text] of ['Linux', host, release, '#1 SMP', 'x86_64', '(none)'].entries())
    memory.set(encodeText(text), at('uts') + 4 + field * 65);
  view.setBigUint64(at('memMap'), directMap + BigInt(structPagesAt), true);
  const bytes = encodeText(log);
  memory.set(bytes, places.log);
  view.setBigUint64(at('logBuffer'), kernelImage + BigInt(places.log), true);
  view.setUint32(at('logLength'), logBytes, true);
  view.setUint32(at('logEnd'), bytes.length, true);
}

function fillPages(memory: Uint8Array, view: DataView): MadeMachine['pages'] {
  const total = memory.length / pageBytes;
  const ownPages = Math.ceil((structPagesAt + total * structPage.sizeBytes) / pageBytes / blockPages) * blockPages;
  for (let pfn = 0; pfn < ownPages; pfn++) describe(view, pfn, 'kernel', false);
  const counts = { kernel: 0, free: 0, cache: 0, user: 0 };
  for (let start = ownPages; start < total; start += blockPages) {
    const use = pattern[((start - ownPages) / blockPages) % pattern.length];
    for (let pfn = start; pfn < start + blockPages; pfn++) {
      describe(view, pfn, use, pfn === start);
      fill(memory, view, pfn, use);
    }
    counts[use] += blockPages;
  }
  return { cache: counts.cache, user: counts.user, free: counts.free };
}

/** Writes one struct page. */
function describe(view: DataView, pfn: number, use: Use, isFirst: boolean): void {
  const at = structPagesAt + pfn * structPage.sizeBytes;
  const bit = (name: keyof typeof flagBits) => 2 ** flagBits[name];
  const flags = { kernel: bit('reserved'), free: 0, cache: bit('lru'), user: bit('lru') + bit('swapbacked') }[use];
  view.setUint32(at + structPage.flags, flags, true);
  view.setInt32(at + structPage.mapcount, use === 'free' && isFirst ? buddyType : -1, true);
  if (use === 'free' && isFirst) view.setBigUint64(at + structPage.private, BigInt(freeOrder), true);
  if (use === 'user') view.setBigUint64(at + structPage.mapping, directMap + 0x1001n, true);
  if (use === 'cache') view.setBigUint64(at + structPage.mapping, directMap + 0x1008n, true);
  view.setUint32(at + structPage.refcount, use === 'free' ? 0 : 1, true);
}

/** Words that compress as kernel memory does: part pointers, part small numbers, part zeros. */
function fill(memory: Uint8Array, view: DataView, pfn: number, use: Use): void {
  const start = pfn * pageBytes;
  if (use !== 'kernel') {
    memory.fill(use === 'free' ? 0x6b : use === 'cache' ? 0x43 : 0x55, start, start + pageBytes);
    return;
  }
  let state = (Math.imul(pfn, 2654435761) | 1) >>> 0;
  for (let at = start; at < start + pageBytes; at += 16) {
    state ^= state << 13;
    state ^= state >>> 17;
    state ^= state << 5;
    view.setUint32(at, state & 0xff_f000, true);
    view.setUint32(at + 4, 0xffff8880, true);
    view.setUint32(at + 8, state & 0xff, true);
  }
}

function makeVmcoreinfo(crashTime: number): string {
  const image = (name: keyof typeof variable) => (kernelImage + BigInt(places.variables + variable[name])).toString(16);
  const top = (kernelImage + BigInt(places.top)).toString(16);
  const offsets = {
    flags: structPage.flags,
    _refcount: structPage.refcount,
    mapping: structPage.mapping,
    lru: structPage.lru,
    _mapcount: structPage.mapcount,
    private: structPage.private,
  };
  const lines = [
    `OSRELEASE=${release}`,
    `PAGESIZE=${pageBytes}`,
    `SYMBOL(init_uts_ns)=${image('uts')}`,
    'OFFSET(uts_namespace.name)=4',
    `SYMBOL(swapper_pg_dir)=${top}`,
    `SYMBOL(init_top_pgt)=${top}`,
    `SYMBOL(_stext)=${kernelImage.toString(16)}`,
    `SYMBOL(mem_map)=${image('memMap')}`,
    `SYMBOL(log_buf)=${image('logBuffer')}`,
    `SYMBOL(log_buf_len)=${image('logLength')}`,
    `SYMBOL(log_end)=${image('logEnd')}`,
    `SIZE(page)=${structPage.sizeBytes}`,
    ...Object.entries(offsets).map(([member, offset]) => `OFFSET(page.${member})=${offset}`),
    'OFFSET(list_head.next)=0',
    'OFFSET(list_head.prev)=8',
    'LENGTH(zone.free_area)=11',
    'NUMBER(phys_base)=0',
    'NUMBER(pgtable_l5_enabled)=0',
    ...(['lru', 'private', 'swapcache', 'swapbacked', 'slab', 'hwpoison'] as const).map((name) => `NUMBER(PG_${name})=${flagBits[name]}`),
    `NUMBER(PG_head_mask)=${2 ** flagBits.head}`,
    `NUMBER(PAGE_BUDDY_MAPCOUNT_VALUE)=${buddyType}`,
    `CRASHTIME=${crashTime}`,
  ];
  return `${lines.join('\n')}\n`;
}
