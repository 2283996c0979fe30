/**
 * Paging of x86_64: 4 or 5 levels, blocks of 2 MiB and 1 GiB, memory encryption's bit in the entries.
 *
 * @source Intel SDM volume 3, 4.5 "4-level paging and 5-level paging"; arch/x86/include/asm/pgtable_types.h; AMD64 APM volume 2, 7.10
 *   "Secure memory encryption".
 */
import { hex, type PhysAddr } from '../binary/units.ts';
import type { LoadSegment, PhysicalMemory } from '../vmcore/physical-memory.ts';
import { numberWithin } from '../vmcoreinfo/need.ts';
import { type Vmcoreinfo, VmcoreinfoError } from '../vmcoreinfo/vmcoreinfo.ts';
import type { Entry, Level, PagingMode } from './page-table.ts';
import { AddressError } from './translator.ts';

/** `__START_KERNEL_map`: where the kernel image is mapped, `phys_base` above physical 0. */
const KERNEL_IMAGE_START = 0xffffffff80000000n;
const PRESENT = 1n;
/** Only at the levels of 2 MiB and 1 GiB; in an entry of a last-level table the same bit is PAT. */
const BLOCK = 0x80n;
const ADDRESS_BITS = 0x000f_ffff_ffff_f000n;
const levelShifts = [48, 39, 30, 21, 12];

/**
 * The paging mode by VMCOREINFO: levels by `pgtable_l5_enabled`, the top table by the first of `init_top_pgt`,
 * `init_level4_pgt`, `swapper_pg_dir`. KASLR is in the symbols already.
 *
 * @throws AddressError `address/unsupported` when no symbol gives the top table, VmcoreinfoError `vmcoreinfo/bad-value`.
 */
export function x86PagingMode(memory: PhysicalMemory, info: Vmcoreinfo): PagingMode {
  const levels = numberWithin(info, 'pgtable_l5_enabled', 0, 1) === 1 ? 5 : 4;
  const addressBits = ADDRESS_BITS & ~encryptionMask(info);
  return {
    name: `x86_64, ${levels} levels`,
    root: findRoot(memory, info),
    levels: levelShifts.slice(-levels).map((shift) => ({ shift, bits: 9 })),
    firstAddress: BigInt.asUintN(64, -1n << BigInt(levels * 9 + 11)),
    untag: (address) => address,
    decode: (entry, level, isLast) => decode(entry, level, isLast, addressBits),
  };
}

/**
 * How far the kernel image was moved from physical 0 (negative too): NUMBER(phys_base), else by the PT_LOAD of the kernel text, else 0.
 * @throws VmcoreinfoError `vmcoreinfo/bad-value` when it is not a multiple of a page or beyond physical memory.
 */
export function x86PhysBase(segments: readonly LoadSegment[], info: Vmcoreinfo): number {
  const text = segments.find((segment) => segment.virtualAddress >= KERNEL_IMAGE_START);
  const byText = text === undefined ? 0n : BigInt(text.physicalAddress) - (text.virtualAddress - KERNEL_IMAGE_START);
  const base = BigInt.asIntN(64, info.number('phys_base') ?? byText);
  if (base % 4096n === 0n && base > -(1n << 52n) && base < 1n << 52n) return Number(base);
  throw new VmcoreinfoError('vmcoreinfo/bad-value', `Cannot use NUMBER(phys_base)=${base}: expected a multiple of 4096 below 2^52`);
}

/** The bit that marks encrypted memory in page table entries (AMD SME); 0 when there is none. */
function encryptionMask(info: Vmcoreinfo): bigint {
  const mask = BigInt.asUintN(64, info.number('sme_mask') ?? 0n);
  if (mask === 0n || (mask & (mask - 1n)) === 0n) return mask;
  throw new VmcoreinfoError('vmcoreinfo/bad-value', `Cannot use NUMBER(sme_mask)=${mask}: expected a single bit`);
}

function findRoot(memory: PhysicalMemory, info: Vmcoreinfo): PhysAddr {
  const symbol = info.symbol('init_top_pgt') ?? info.symbol('init_level4_pgt') ?? info.symbol('swapper_pg_dir');
  if (symbol === undefined) {
    throw new AddressError('address/unsupported', 'Cannot find page tables: VMCOREINFO has no SYMBOL(swapper_pg_dir)');
  }
  const root = Number(symbol - KERNEL_IMAGE_START) + x86PhysBase(memory.loadSegments, info);
  if (symbol >= KERNEL_IMAGE_START && root >= 0 && root % 4096 === 0) return root;
  throw new AddressError('address/unsupported', `Cannot find page tables at ${hex(symbol)}: expected a page of the kernel image`);
}

function decode(entry: bigint, level: Level, isLast: boolean, addressBits: bigint): Entry {
  if ((entry & PRESENT) === 0n) return { kind: 'none' };
  const address = entry & addressBits;
  if (isLast || ((entry & BLOCK) !== 0n && level.shift <= 30)) return { kind: 'page', address };
  return { kind: 'table', address };
}
