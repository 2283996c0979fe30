/** What a scenario is, and what it is given. */
import type { CaptureStep, Cycle, CycleOptions } from './cycle.ts';
import type { Kernel } from './kernels.ts';
import type { Machine, MachineOptions } from './machine/machine.ts';
import type { Checks } from './verify/checks.ts';

export type ScenarioContext = {
  readonly kernel: Kernel;
  readonly checks: Checks;
  /** The executable under test, on the host. */
  readonly executable: string;
  /** A folder for what the scenario makes; removed when it passed. */
  readonly folder: string;
  /** Boots, crashes, runs the steps in the capture kernel, collects. */
  readonly crash: (
    options: Omit<CycleOptions, 'kernel' | 'executable' | 'folder'> & { readonly steps: readonly CaptureStep[] },
  ) => Promise<Cycle>;
  /** A Debian machine that boots several times; each machine of a scenario needs a name of its own. Default: `machine`. */
  readonly machine: (options: Omit<MachineOptions, 'kernel' | 'executable' | 'folder'> & { readonly name?: string }) => Machine;
};

export type Scenario = {
  readonly name: string;
  /** Rows of the kernel table it runs on. */
  readonly kernels: readonly string[];
  /** It boots Debian machines, whose disks are made beforehand. Default: false. */
  readonly usesMachines?: boolean;
  readonly run: (context: ScenarioContext) => Promise<void>;
};
