/** What a scenario is, and what it is given. */
import type { CaptureStep, Cycle, CycleOptions } from './cycle.ts';
import type { Kernel } from './kernels.ts';
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
};

export type Scenario = {
  readonly name: string;
  /** Rows of the kernel table it runs on. */
  readonly kernels: readonly string[];
  readonly run: (context: ScenarioContext) => Promise<void>;
};
