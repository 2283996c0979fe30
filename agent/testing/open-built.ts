/** Opens a built vmcore the way the product does: everything a scan asks for. */
import { openTranslator } from '../address/open-translator.ts';
import { VirtualMemory } from '../address/virtual-memory.ts';
import { openElfMemory } from '../vmcore/open-elf.ts';
import type { PhysicalMemory } from '../vmcore/physical-memory.ts';
import { parseVmcoreinfo } from '../vmcoreinfo/parse.ts';
import type { Vmcoreinfo } from '../vmcoreinfo/vmcoreinfo.ts';
import { openBytes } from './bytes-file.ts';

export type BuiltKernel = { readonly memory: PhysicalMemory; readonly info: Vmcoreinfo; readonly virtual: VirtualMemory };

export function openBuilt(vmcore: Uint8Array): BuiltKernel {
  const memory = openElfMemory(openBytes(vmcore));
  const info = parseVmcoreinfo(memory.vmcoreinfoText);
  return { memory, info, virtual: new VirtualMemory(memory, openTranslator(memory, info)) };
}
