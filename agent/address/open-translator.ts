/** The translator of a crashed kernel, by what its VMCOREINFO tells about its page tables. */
import type { PhysicalMemory } from '../vmcore/physical-memory.ts';
import { type Vmcoreinfo, VmcoreinfoError } from '../vmcoreinfo/vmcoreinfo.ts';
import { arm64LinearAddress, arm64PagingMode, readGeometry } from './aarch64.ts';
import { type LinearAddress, LinearFallbackTranslator, linearByLoads } from './linear-map.ts';
import { PageTableTranslator } from './page-table.ts';
import type { Translator } from './translator.ts';
import { x86PagingMode } from './x86-64.ts';

/**
 * Every address goes through the page tables; the linear map by arithmetic only stands in for a table that is not in the file.
 *
 * @throws AddressError `address/unsupported`, VmcoreinfoError `vmcoreinfo/missing`, `vmcoreinfo/bad-value`.
 */
export function openTranslator(memory: PhysicalMemory, info: Vmcoreinfo): Translator {
  checkPageSize(memory, info);
  const isArm = memory.machine === 'aarch64';
  const mode = isArm ? arm64PagingMode(memory, info) : x86PagingMode(memory, info);
  const byLoads = linearByLoads(memory.loadSegments);
  const linear = isArm ? firstOf(byLoads, arm64Linear(memory, info)) : byLoads;
  return new LinearFallbackTranslator(new PageTableTranslator(memory, mode), linear, memory.pageSize);
}

/** A page size that the kernel prints and the memory does not have means damage: every address would come out wrong. */
function checkPageSize(memory: PhysicalMemory, info: Vmcoreinfo): void {
  const printed = info.plain('PAGESIZE');
  const expected = memory.machine === 'x86_64' ? 4096 : memory.pageSize;
  if (printed === undefined || Number(printed) === expected) return;
  throw new VmcoreinfoError('vmcoreinfo/bad-value', `Cannot use PAGESIZE=${printed}: expected ${expected}`);
}

function arm64Linear(memory: PhysicalMemory, info: Vmcoreinfo): LinearAddress {
  const geometry = readGeometry(memory.pageSize, info);
  return (address) => arm64LinearAddress(geometry, info, address);
}

function firstOf(first: LinearAddress, second: LinearAddress): LinearAddress {
  return (address) => first(address) ?? second(address);
}
