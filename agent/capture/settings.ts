/** What one capture run is to do: the command line, the configuration and the plan brought together. */
import type { ArmedPlan } from '../config/armed-plan.ts';
import type { Configuration } from '../config/configuration.ts';
import type { CaptureTarget } from '../target/open-target.ts';

/**
 * How much the run dares. `full`: all. `safe`: no mapping, one thread, no hooks, for a second try after the agent died. `dmesg-only`: the log and no
 * memory.
 */
export type CaptureMode = 'full' | 'safe' | 'dmesg-only';

export type CaptureSettings = {
  /** `/proc/vmcore`, or a file elsewhere. */
  readonly source: string;
  readonly configuration: Configuration;
  readonly plan: ArmedPlan | undefined;
  /** Tried in this order. */
  readonly targets: readonly CaptureTarget[];
  readonly mode: CaptureMode;
  /** Nobody watches: the run ends with the final action, whatever happens. */
  readonly unattended: boolean;
  /** Whether the person who started the run has broken it off; `undefined`: nobody can. */
  readonly isBrokenOff?: () => boolean;
  /** This is the kernel that a crash started, so that its settings, modules and log are the run's business. */
  readonly inCaptureKernel: boolean;
  /** The administrator's programs before and after are run. */
  readonly hooks: boolean;
  /** Nothing is to be saved: the final action follows at once. */
  readonly skip: boolean;
  /** `system.now()` when the agent started. */
  readonly startedAt: number;
  readonly build: { readonly version: string; readonly commit: string };
  /** What went wrong while these were read; the run says so and goes on. */
  readonly problems: readonly string[];
};
