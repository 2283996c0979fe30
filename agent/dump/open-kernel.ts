/**
 * A dump source with the kernel that lived in it: its VMCOREINFO and its virtual memory, as far as they can be had.
 */
import { openTranslator } from '../address/open-translator.ts';
import { VirtualMemory } from '../address/virtual-memory.ts';
import { KcaptureError } from '../errors.ts';
import { openSource } from '../format/open-source.ts';
import type { System } from '../sys/system.ts';
import type { PhysicalMemory } from '../vmcore/physical-memory.ts';
import { parseVmcoreinfo } from '../vmcoreinfo/parse.ts';
import type { Vmcoreinfo } from '../vmcoreinfo/vmcoreinfo.ts';

export type Kernel = {
  readonly memory: PhysicalMemory;
  readonly info: Vmcoreinfo;
  /** Undefined when page tables cannot be found; `whyNoVirtual` says why. */
  readonly virtual: VirtualMemory | undefined;
  readonly whyNoVirtual: KcaptureError | undefined;
};

export type OpenKernelOptions = { readonly mmap?: boolean };

/**
 * @param paths one file, or all parts of a split set.
 * @throws VmcoreError, FormatError when the file itself cannot be read; never for what the kernel in it lacks.
 */
export function openKernel(system: System, paths: readonly string[], options: OpenKernelOptions = {}): Kernel {
  const files = paths.map((path) => system.openFile(path, { mmap: options.mmap }));
  const memory = openSource(files, (name) => system.openCodec(name));
  const info = parseVmcoreinfo(memory.vmcoreinfoText);
  try {
    const virtual = new VirtualMemory(memory, openTranslator(memory, info));
    return { memory, info, virtual, whyNoVirtual: undefined };
  } catch (error) {
    if (!(error instanceof KcaptureError)) throw error;
    return { memory, info, virtual: undefined, whyNoVirtual: error };
  }
}

/** The virtual memory, or the error that says why there is none. */
export function requireVirtual(kernel: Kernel): VirtualMemory {
  if (kernel.virtual === undefined) throw kernel.whyNoVirtual;
  return kernel.virtual;
}
