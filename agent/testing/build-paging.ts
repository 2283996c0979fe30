/**
 * Small machines that have nothing but page tables and a few marked pages: one for every paging mode of both architectures.
 */
import type { PhysicalMemory } from '../vmcore/physical-memory.ts';
import { openElfMemory } from '../vmcore/open-elf.ts';
import { buildPageTable, type Mapping, type TableFormat } from './build-page-table.ts';
import { buildVmcore, PhysicalImage } from './build-vmcore.ts';
import { buildVmcoreinfo, type VmcoreinfoOptions } from './build-vmcoreinfo.ts';
import { openBytes } from './bytes-file.ts';

export type PagingCase = {
  readonly name: string;
  readonly format: TableFormat;
  readonly info: VmcoreinfoOptions;
  readonly root: number;
  readonly mappings: readonly Mapping[];
};

/**
 * The vmcore of such a machine. Every mapped range has data in its first and last 4 KiB; the byte at each address is its `mark`. As
 * in a vmcore of the kernel's, the PT_LOAD of the kernel image names its virtual address.
 */
export function buildPaging({ format, info, root, mappings }: PagingCase): Uint8Array<ArrayBuffer> {
  const pageSize = format.machine === 'x86_64' ? 4096 : format.pageSize;
  const image = new PhysicalImage(pageSize);
  for (const { physical, bytes } of mappings) {
    for (const start of [physical, physical + bytes - 4096]) {
      image.write(
        start,
        Uint8Array.from({ length: 4096 }, (_, i) => mark(start + i)),
      );
    }
  }
  buildPageTable(image, { format, root, tables: root + 0x10000, mappings });
  const plain = { OSRELEASE: '6.9.0-test', PAGESIZE: pageSize, ...info.plain };
  const imageOffset = info.symbols!.swapper_pg_dir - BigInt(root);
  const virtualOf = (physical: number) => (physical === root ? BigInt.asUintN(64, imageOffset + BigInt(physical)) : 0n);
  return buildVmcore({ machine: format.machine, segments: image.segments(virtualOf), vmcoreinfo: buildVmcoreinfo({ ...info, plain }) });
}

export function openPaging(paging: PagingCase): PhysicalMemory {
  return openElfMemory(openBytes(buildPaging(paging)));
}

/** The byte at a physical address: differs between neighbours, and between pages and blocks at the same place in them. */
export function mark(physical: number): number {
  return (physical + Math.floor(physical / 4096) * 7 + Math.floor(physical / 2 ** 30) * 13) % 251;
}

const symbol = 0xffffffff82e0a000n;
const GiB = 2 ** 30;
const MiB = 2 ** 20;

export const x86Cases: readonly PagingCase[] = [
  x86Case('4 levels, moved up', 4, {}, 0x3400000),
  x86Case('4 levels, moved down', 4, {}, -0x1c00000),
  x86Case('5 levels', 5, {}, 0x3400000),
  x86Case('4 levels, encrypted memory', 4, { smeMask: 1n << 47n }, 0),
  x86Case('5 levels, encrypted memory', 5, { smeMask: 1n << 51n }, 0),
];

function x86Case(name: string, levels: 4 | 5, { smeMask }: { smeMask?: bigint }, physBase: number): PagingCase {
  const numbers = { phys_base: physBase, pgtable_l5_enabled: levels === 5 ? 1 : 0, sme_mask: smeMask ?? 0n };
  const lowest = BigInt.asUintN(64, -1n << BigInt(levels * 9 + 11));
  return {
    name,
    format: { machine: 'x86_64', levels, smeMask },
    info: { symbols: { swapper_pg_dir: symbol, init_top_pgt: symbol }, numbers },
    root: Number(symbol - 0xffffffff80000000n) + physBase,
    mappings: [
      { virtual: lowest, physical: 0x7000, bytes: 0x3000 },
      { virtual: lowest + 0x40_0000_0000n, physical: 40 * GiB, bytes: 2 * GiB, blockBytes: GiB },
      { virtual: 0xffffea0000200000n, physical: 6 * GiB + 2 * MiB, bytes: 4 * MiB, blockBytes: 2 * MiB },
      { virtual: 0xffffffff81000000n, physical: 64 * MiB, bytes: 2 * MiB, blockBytes: 2 * MiB },
      { virtual: 0xfffffffffffff000n, physical: 0x123000, bytes: 0x1000 },
    ],
  };
}

/** VA_BITS the kernel was built with, bits it runs with, and what the tables look like then. */
export const arm64Cases: readonly PagingCase[] = [
  arm64Case('4 KiB, 39 bits', 4096, 39, 39, 39, 'none'),
  arm64Case('4 KiB, 48 bits', 4096, 48, 48, 48, 'none'),
  arm64Case('4 KiB, 52 bits (LPA2)', 4096, 52, 52, 52, 'lpa2'),
  arm64Case('4 KiB, built for 52 bits, run with 48', 4096, 52, 48, 48, 'none'),
  arm64Case('16 KiB, 36 bits', 16384, 36, 36, 36, 'none'),
  arm64Case('16 KiB, 47 bits', 16384, 47, 47, 47, 'none'),
  arm64Case('16 KiB, 48 bits', 16384, 48, 48, 48, 'none'),
  arm64Case('16 KiB, 52 bits (LPA2)', 16384, 52, 52, 52, 'lpa2'),
  arm64Case('16 KiB, built for 52 bits, run with 47', 16384, 52, 47, 47, 'none'),
  arm64Case('64 KiB, 42 bits', 65536, 42, 42, 42, 'lpa'),
  arm64Case('64 KiB, 48 bits', 65536, 48, 48, 48, 'lpa'),
  arm64Case('64 KiB, 52 bits (LPA)', 65536, 52, 52, 52, 'lpa'),
  arm64Case('64 KiB, built for 52 bits, run with 48', 65536, 52, 48, 52, 'lpa'),
];

function arm64Case(
  name: string,
  pageSize: 4096 | 16384 | 65536,
  built: number,
  actual: number,
  bits: number,
  wide: 'none' | 'lpa' | 'lpa2',
): PagingCase {
  const lowest = BigInt.asUintN(64, -1n << BigInt(actual));
  const middle = BigInt.asUintN(64, -1n << BigInt(actual - 1));
  const image = middle + 0x8000000n;
  const root = 0x40800000;
  // The block of the level above pages: 2, 32 or 512 MiB.
  const blockBytes = (pageSize / 8) * pageSize;
  const high = wide === 'none' ? 2 ** 40 : 2 ** 51 + 2 ** 49 + 2 ** 48;
  return {
    name,
    format: { machine: 'aarch64', pageSize, bits, wide },
    info: {
      symbols: { swapper_pg_dir: image + 0x1800000n, _stext: image + 0x10000n },
      numbers: {
        VA_BITS: built,
        TCR_EL1_T1SZ: `0x${(64 - actual).toString(16)}`,
        MAX_PHYSMEM_BITS: wide === 'none' && built < 52 ? 48 : 52,
        kimage_voffset: `0x${(image + 0x1800000n - BigInt(root)).toString(16)}`,
        PHYS_OFFSET: '0x40000000',
      },
    },
    root,
    mappings: [
      { virtual: lowest, physical: 0x40000000, bytes: pageSize * 3 },
      { virtual: lowest + BigInt(blockBytes) * 4n, physical: blockBytes * 16, bytes: blockBytes * 2, blockBytes },
      { virtual: middle, physical: high, bytes: pageSize },
      { virtual: middle + BigInt(blockBytes) * 8n, physical: high + blockBytes * 8, bytes: blockBytes, blockBytes },
      { virtual: BigInt.asUintN(64, -BigInt(pageSize)), physical: 0x50000000, bytes: pageSize },
    ],
  };
}
