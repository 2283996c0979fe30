/**
 * Where the struct pages are: the kernel's memory model as a list of blocks of page frames.
 *
 * Comes in: VMCOREINFO and the kernel's virtual memory. Goes out: ascending blocks, each with the virtual address of the struct page of its
 * first page frame. A page frame in no block has no struct page: nothing is known about it, and it is kept.
 */
import type { Translator } from '../address/translator.ts';
import type { Pfn, VirtAddr } from '../binary/units.ts';
import type { PhysicalMemory } from '../vmcore/physical-memory.ts';
import type { Vmcoreinfo } from '../vmcoreinfo/vmcoreinfo.ts';
import { flatMemMap } from './flat.ts';
import { unreadable, unsupported } from './memory-model-error.ts';
import type { PageLayout } from './page-layout.ts';
import { sparseMemMap } from './sparse.ts';

/** Struct pages that follow each other in virtual memory: that of `pfn` is at `structPages + (pfn - startPfn) * SIZE(page)`. */
export type MemMapBlock = { readonly startPfn: Pfn; readonly endPfn: Pfn; readonly structPages: VirtAddr };

export type MemMap = {
  readonly model: 'sparsemem-extreme' | 'sparsemem' | 'flatmem';
  /** Ascending, disjoint. */
  readonly blocks: readonly MemMapBlock[];
  /** What could not be read, one sentence each. The pages concerned are in no block. */
  readonly warnings: readonly string[];
};

/** What this room asks of the crashed kernel's virtual memory. */
export interface KernelMemory extends Pick<Translator, 'translate'> {
  /** Copies `target.length` bytes from `address`. @throws AddressError, VmcoreError. */
  read(address: VirtAddr, target: Uint8Array): void;
}

export type MemMapSource = {
  readonly memory: PhysicalMemory;
  readonly info: Vmcoreinfo;
  readonly virtual: KernelMemory;
  readonly layout: PageLayout;
};

/**
 * @throws MemoryModelError `memory-model/unreadable` when no struct page can be found, `memory-model/unsupported` for DISCONTIGMEM, which
 *   neither x86_64 nor aarch64 has had since 3.10.
 */
export function openMemMap(source: MemMapSource): MemMap {
  const { info } = source;
  const memMap = findMemMap(source);
  if (memMap.blocks.length > 0) return memMap;
  throw unreadable(
    `Cannot find struct pages of "${source.memory.path}": ${memMap.model} of ${info.plain('OSRELEASE') ?? 'this kernel'} has none`,
  );
}

function findMemMap(source: MemMapSource): MemMap {
  const { info } = source;
  if (info.symbol('mem_section') !== undefined) return sparseMemMap(source);
  if (info.symbol('mem_map') !== undefined) return flatMemMap(source);
  if (info.offset('pglist_data.node_mem_map') !== undefined) {
    throw unsupported('Cannot find struct pages: the kernel uses DISCONTIGMEM, expected SPARSEMEM or FLATMEM');
  }
  throw unreadable('Cannot find struct pages: VMCOREINFO has neither SYMBOL(mem_section) nor SYMBOL(mem_map)');
}
