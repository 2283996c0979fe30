/** What a target needs in the image beyond its own description; filled while it is resolved. */
import type { RequiredFile } from '../requirements/requirements.ts';

export type Needs = {
  /** Kernel names of the disks at the bottom. */
  readonly disks: string[];
  /** Kernel names of network devices. */
  readonly networkDevices: string[];
  /** Kernel modules or aliases; file systems by their type. */
  readonly modules: string[];
  /** As `modules`, but their absence is no fault. */
  readonly optionalModules: string[];
  /** Programs by name, e.g. `cryptsetup`. */
  readonly programs: string[];
  /** Libraries opened at run time, by name. */
  readonly libraries: string[];
  readonly keyFiles: RequiredFile[];
  readonly warnings: string[];
};

export function createNeeds(): Needs {
  return { disks: [], networkDevices: [], modules: [], optionalModules: [], programs: [], libraries: [], keyFiles: [], warnings: [] };
}
