/** Kernel modules as the image carries them: decompressed, for a loader that knows nothing but finit_module(2), with the firmware they may ask for. */
import type { KernelModule } from '../../linux/module-tree.ts';
import { isSignedModule, moduleInfo, readModuleFile } from '../../linux/module-file.ts';
import type { System } from '../../sys/system.ts';

export type StagedModules = {
  readonly modules: readonly { readonly module: KernelModule; readonly bytes: Uint8Array }[];
  /** Relative to `/lib/firmware`; what is installed of what the modules list. */
  readonly firmware: readonly string[];
  /** Every one of them belongs to the kernel's own tree and has a signature at its end. */
  readonly areSigned: boolean;
};

const firmwareSuffixes = ['', '.xz', '.zst'];

/** @throws LinuxError `linux/bad-module`; FilesError. */
export function readModules(system: System, wanted: readonly KernelModule[]): StagedModules {
  const modules = wanted.map((module) => ({ module, bytes: readModuleFile(system, module.path) }));
  const named = modules.flatMap(({ bytes }) => moduleInfo(bytes, 'firmware'));
  return {
    modules,
    firmware: [...new Set(named.flatMap((name) => installedFirmware(system, name)))],
    areSigned: modules.every(({ module, bytes }) => /\/modules\/[^/]+\/kernel\//.test(module.path) && isSignedModule(bytes)),
  };
}

/** A driver lists what it may want for every model it knows; most of it is not installed. */
function installedFirmware({ files }: System, name: string): readonly string[] {
  if (name.includes('*') || name.split('/').includes('..')) return [];
  return firmwareSuffixes
    .map((suffix) => `${name}${suffix}`)
    .filter((path) => files.status(`/lib/firmware/${path}`)?.kind === 'file')
    .slice(0, 1);
}
