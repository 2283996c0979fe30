/** The number a dump header keeps as `phys_base`: where the kernel lies in physical memory, in the way its architecture counts. */
import { KcaptureError } from '../errors.ts';
import type { PhysicalMemory } from '../vmcore/physical-memory.ts';
import type { Vmcoreinfo } from '../vmcoreinfo/vmcoreinfo.ts';
import { x86PhysBase } from './x86-64.ts';

/**
 * x86_64: how far the kernel image was moved, negative too. aarch64: PHYS_OFFSET, the physical address at which the linear map
 * starts. 0 when the kernel does not tell, or tells nonsense: the header must be written all the same.
 */
export function physBase(memory: PhysicalMemory, info: Vmcoreinfo): bigint {
  if (memory.machine === 'aarch64') return BigInt.asIntN(64, info.number('PHYS_OFFSET') ?? 0n);
  try {
    return BigInt(x86PhysBase(memory.loadSegments, info));
  } catch (error) {
    if (error instanceof KcaptureError) return 0n;
    throw error;
  }
}
