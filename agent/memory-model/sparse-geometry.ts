/** The numbers of a SPARSEMEM kernel: how large a section is, how many there can be, how their table is laid out. */
import type { Machine, PhysicalMemory } from '../vmcore/physical-memory.ts';
import type { Vmcoreinfo } from '../vmcoreinfo/vmcoreinfo.ts';
import { unreadable } from './memory-model-error.ts';

export type SparseGeometry = {
  readonly pagesPerSection: number;
  /** NR_MEM_SECTIONS: how many sections physical addresses allow. */
  readonly sections: number;
  /** Undefined: the table of sections is flat. */
  readonly sectionsPerRoot: number | undefined;
  /** SIZE(mem_section) and the offset of `section_mem_map` in it. */
  readonly sectionBytes: number;
  readonly sectionMemMap: number;
  readonly structPageBytes: number;
};

/** @throws MemoryModelError `memory-model/unreadable` when a key is missing or a number is out of reason. */
export function sparseGeometry(info: Vmcoreinfo, memory: PhysicalMemory, structPageBytes: number): SparseGeometry {
  const sectionBytes = info.size('mem_section');
  const sectionMemMap = info.offset('mem_section.section_mem_map');
  if (sectionBytes === undefined || sectionMemMap === undefined) {
    throw unreadable('Cannot read mem_section: VMCOREINFO has no SIZE(mem_section) or no OFFSET(mem_section.section_mem_map)');
  }
  if (sectionBytes < 8 || sectionBytes > memory.pageSize || sectionMemMap < 0 || sectionMemMap + 8 > sectionBytes) {
    throw unreadable(
      `Cannot read mem_section: SIZE(mem_section)=${sectionBytes} and section_mem_map at ${sectionMemMap}, expected it within one page`,
    );
  }
  const sectionBits = info.smallNumber('SECTION_SIZE_BITS') ?? unnamedSectionBits[memory.machine];
  const physicalBits = info.smallNumber('MAX_PHYSMEM_BITS') ?? unnamedPhysicalBits(info, memory.machine);
  if (sectionBits < 20 || sectionBits > 40 || physicalBits <= sectionBits || physicalBits > 52) {
    throw unreadable(
      `Cannot read mem_section: sections of 2^${sectionBits} bytes in 2^${physicalBits}, expected 2^20 … 2^40 in at most 2^52`,
    );
  }
  const sections = 2 ** (physicalBits - sectionBits);
  return {
    pagesPerSection: 2 ** sectionBits / memory.pageSize,
    sections,
    sectionsPerRoot: isFlat(info, sections) ? undefined : Math.floor(memory.pageSize / sectionBytes),
    sectionBytes,
    sectionMemMap,
    structPageBytes,
  };
}

/** LENGTH(mem_section) counts roots, which hold one section each in the flat model and at least two in the other. */
function isFlat(info: Vmcoreinfo, sections: number): boolean {
  return info.length('mem_section') === sections;
}

/** Kernels before 5.9 do not export the two numbers; those of these architectures had no choice then. */
const unnamedSectionBits: Readonly<Record<Machine, number>> = { x86_64: 27, aarch64: 30 };

function unnamedPhysicalBits(info: Vmcoreinfo, machine: Machine): number {
  if (machine === 'aarch64') return 48;
  return info.smallNumber('pgtable_l5_enabled') === 1 ? 52 : 46;
}
