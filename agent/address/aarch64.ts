/**
 * Paging of aarch64: granules of 4, 16 and 64 KiB, kernel addresses of 36 to 52 bits, physical ones of 48 or 52.
 *
 * | granule | bits of a level | a 52-bit physical address in an entry               |
 * |---------|-----------------|-----------------------------------------------------|
 * | 64 KiB  | 13              | LPA: entry bits 15:12 are address bits 51:48        |
 * | 16 KiB  | 11              | LPA2: address bits 49:14 in place, entry bits 9:8 are 51:50 |
 * | 4 KiB   | 9               | LPA2: address bits 49:12 in place, entry bits 9:8 are 51:50 |
 *
 * @source Arm Architecture Reference Manual, D8.3 "Translation table descriptor formats"; arch/arm64/include/asm/pgtable-hwdef.h.
 */
import { hex, type PhysAddr, type VirtAddr } from '../binary/units.ts';
import type { PhysicalMemory } from '../vmcore/physical-memory.ts';
import { needNumber, needSymbol, numberWithin } from '../vmcoreinfo/need.ts';
import type { Vmcoreinfo } from '../vmcoreinfo/vmcoreinfo.ts';
import type { Entry, Level, PagingMode } from './page-table.ts';
import { AddressError } from './translator.ts';

type Granule = { readonly pageShift: number; readonly maxBlockShift: number; readonly maxBlockShiftOf52Bits: number };

const granules: { readonly [pageSize: number]: Granule } = {
  4096: { pageShift: 12, maxBlockShift: 30, maxBlockShiftOf52Bits: 39 },
  16384: { pageShift: 14, maxBlockShift: 25, maxBlockShiftOf52Bits: 36 },
  65536: { pageShift: 16, maxBlockShift: 29, maxBlockShiftOf52Bits: 42 },
};

/** How the address space of the crashed kernel is cut. */
export type Geometry = {
  readonly granule: Granule;
  /** Bits the page tables resolve. */
  readonly tableBits: number;
  /** Bits the kernel runs with (vabits_actual); `undefined` when a kernel of 52 bits does not tell. */
  readonly actualBits: number | undefined;
  /** Where and how 52-bit physical addresses stand in entries. */
  readonly wideAddresses: 'none' | 'lpa' | 'lpa2';
};

/**
 * Reads the geometry from VMCOREINFO. A kernel built for 52 bits may run with fewer on older hardware. With 64 KiB pages its tables keep the
 * shape of 52 bits, and the upper part of the top table is used; with 4 and 16 KiB the top level is left out.
 *
 * @throws AddressError `address/unsupported` (page size), VmcoreinfoError `vmcoreinfo/missing`, `vmcoreinfo/bad-value`.
 * @source Linux kernel commits b6d00d47e81a ("arm64: mm: Introduce 52-bit Kernel VAs", v5.4) and 0dd4f60a2c76 ("arm64: mm: Add support for
 *   folding PUDs at runtime", v6.9).
 */
export function readGeometry(pageSize: number, info: Vmcoreinfo): Geometry {
  const granule = granules[pageSize];
  if (granule === undefined) {
    throw new AddressError('address/unsupported', `Cannot walk page tables of ${pageSize} bytes a page: expected 4096, 16384 or 65536`);
  }
  needNumber(info, 'VA_BITS');
  const builtBits = numberWithin(info, 'VA_BITS', 36, 52)!;
  const unusedBits = numberWithin(info, 'TCR_EL1_T1SZ', 12, 28);
  const actualBits = unusedBits !== undefined ? 64 - unusedBits : builtBits < 52 ? builtBits : undefined;
  const tableBits = granule.pageShift === 16 ? builtBits : (actualBits ?? builtBits);
  const wideAddresses = granule.pageShift === 16 ? 'lpa' : tableBits === 52 ? 'lpa2' : 'none';
  return { granule, tableBits, actualBits, wideAddresses };
}

/** @throws what `readGeometry` throws, and AddressError `address/unsupported` when the top table cannot be found. */
export function arm64PagingMode(memory: PhysicalMemory, info: Vmcoreinfo): PagingMode {
  const geometry = readGeometry(memory.pageSize, info);
  return {
    name: `aarch64, ${memory.pageSize} bytes a page, ${geometry.tableBits} bits`,
    root: findRoot(geometry, info),
    levels: levelsOf(geometry),
    firstAddress: BigInt.asUintN(64, -1n << BigInt(geometry.tableBits)),
    untag,
    decode: (entry, level, isLast) => decode(entry, level, isLast, geometry),
  };
}

/**
 * The physical address of a linear-map address by arithmetic alone; `undefined` for any other address, and when the kernel does not tell
 * enough. Since 5.4 the linear map is the lower half of the address space, before it was the upper one.
 *
 * @source Linux kernel commit 14c127c957c1 ("arm64: mm: Flip kernel VA space", v5.4).
 */
export function arm64LinearAddress(geometry: Geometry, info: Vmcoreinfo, tagged: VirtAddr): PhysAddr | undefined {
  const [bits, stext, physOffset] = [geometry.actualBits, info.symbol('_stext'), info.number('PHYS_OFFSET')];
  if (bits === undefined || stext === undefined || physOffset === undefined) return undefined;
  const isFlipped = stext > upperHalf(Math.min(geometry.tableBits, 48));
  const middle = upperHalf(bits);
  const start = isFlipped ? BigInt.asUintN(64, -1n << BigInt(bits)) : middle;
  const address = untag(tagged);
  if (address < start || (isFlipped && address >= middle)) return undefined;
  const physical = address - start + BigInt.asIntN(64, physOffset);
  return physical >= 0n && physical < 1n << 52n ? Number(physical) : undefined;
}

/** Where the upper half of an address space of `bits` bits starts. */
function upperHalf(bits: number): VirtAddr {
  return BigInt.asUintN(64, -1n << BigInt(bits - 1));
}

/** Bit 55 alone says whose address it is; the byte above may hold a tag (KASAN, memory tagging). */
function untag(address: VirtAddr): VirtAddr {
  return ((address >> 55n) & 1n) === 1n ? address | (0xffn << 56n) : address;
}

/** The top table is part of the kernel image, which lies `kimage_voffset` below its virtual address. */
function findRoot(geometry: Geometry, info: Vmcoreinfo): PhysAddr {
  const symbol = needSymbol(info, 'swapper_pg_dir');
  const imageOffset = info.number('kimage_voffset');
  const image = imageOffset === undefined ? undefined : BigInt.asUintN(64, symbol - imageOffset);
  const root = image === undefined ? arm64LinearAddress(geometry, info, symbol) : Number(image);
  if (root !== undefined && root < 2 ** 52 && root % 8 === 0) return root;
  throw new AddressError(
    'address/unsupported',
    `Cannot find page tables: swapper_pg_dir at ${hex(symbol)}, expected it kimage_voffset above memory`,
  );
}

function levelsOf({ granule, tableBits }: Geometry): Level[] {
  const levels: Level[] = [];
  const bits = granule.pageShift - 3;
  for (let shift = granule.pageShift; shift < tableBits; shift += bits) {
    levels.unshift({ shift, bits: Math.min(bits, tableBits - shift) });
  }
  return levels;
}

function decode(entry: bigint, level: Level, isLast: boolean, geometry: Geometry): Entry {
  const type = Number(entry & 3n);
  if (type === 3) return { kind: isLast ? 'page' : 'table', address: outputAddress(entry, geometry) };
  const { maxBlockShift, maxBlockShiftOf52Bits } = geometry.granule;
  const limit = geometry.wideAddresses === 'none' ? maxBlockShift : maxBlockShiftOf52Bits;
  if (type === 1 && !isLast && level.shift <= limit) return { kind: 'page', address: outputAddress(entry, geometry) };
  return { kind: 'none' };
}

function outputAddress(entry: bigint, { granule, wideAddresses }: Geometry): bigint {
  const inPlace = (highBits: number) => (BigInt.asUintN(highBits, entry) >> BigInt(granule.pageShift)) << BigInt(granule.pageShift);
  if (wideAddresses === 'lpa') return inPlace(48) | (((entry >> 12n) & 0xfn) << 48n);
  if (wideAddresses === 'lpa2') return inPlace(50) | (((entry >> 8n) & 3n) << 50n);
  return inPlace(48);
}
