/** FLATMEM: one array of struct pages for the whole machine, led to by the pointer `mem_map`. */
import { hex, type Pfn } from '../binary/units.ts';
import type { MemMap, MemMapSource } from './mem-map.ts';
import { isStructPageAddress } from './plausible.ts';
import { readWord } from './section-table.ts';
import { unreadable } from './memory-model-error.ts';

/** @throws MemoryModelError `memory-model/unreadable` when the pointer cannot be followed. */
export function flatMemMap({ memory, info, virtual }: MemMapSource): MemMap {
  const symbol = info.symbol('mem_map');
  if (symbol === undefined) throw unreadable('Cannot find struct pages: VMCOREINFO has no SYMBOL(mem_map)');
  const structPages = readWord(virtual, symbol);
  const startPfn = firstPfn(memory.machine, memory.pageSize, info.number('PHYS_OFFSET'));
  const found = structPages === undefined ? 'an unmapped address' : hex(structPages);
  if (structPages === undefined || !isStructPageAddress(structPages) || virtual.translate(structPages) === undefined) {
    throw unreadable(`Cannot follow mem_map at ${hex(symbol)}: ${found}, expected the address of struct pages`);
  }
  if (startPfn >= memory.endPfn) {
    throw unreadable(
      `Cannot use NUMBER(PHYS_OFFSET): memory starts at page frame ${hex(startPfn)}, expected less than ${hex(memory.endPfn)}`,
    );
  }
  return { model: 'flatmem', blocks: [{ startPfn, endPfn: memory.endPfn, structPages }], warnings: [] };
}

/** Page frame of `mem_map[0]` (ARCH_PFN_OFFSET): 0 on x86_64, the start of RAM on aarch64. */
function firstPfn(machine: string, pageSize: number, physOffset: bigint | undefined): Pfn {
  return machine === 'aarch64' && physOffset !== undefined && physOffset > 0n ? Math.floor(Number(physOffset) / pageSize) : 0;
}
