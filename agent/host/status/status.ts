/**
 * Would a crash be captured now? The one answer that `kcapture status` prints for people, for scripts and for monitoring.
 *
 * Comes in: a system. Goes out: plain data, which `--json` prints as it is. Fields are added, never renamed.
 */
import type { Breadcrumb } from '../../capture/breadcrumbs.ts';
import type { ExitCode } from '../../errors.ts';
import type { EventReport } from '../../linux/panic-events.ts';
import type { System } from '../../sys/system.ts';
import type { CaptureStatus } from '../../capture/manifest.ts';
import type { ResolveOptions } from '../resolve-plan.ts';
import { type Check, statusExitCode } from './check.ts';
import { checkConfiguration, checkImage, checkLoaded, checkPlan } from './check-image.ts';
import { checkKernels, checkPanicTimeout, checkPermission, checkProcessor, checkReservation, checkService } from './check-machine.ts';
import { checkCaptures, checkCrashTest, checkLoop } from './check-past.ts';
import { checkTargets } from './check-targets.ts';
import type { DumpEstimate } from './dump-estimate.ts';
import { gatherFacts, type StatusFacts } from './facts.ts';
import { describeOutlook } from './outlook.ts';

export type Status = {
  readonly version: 1;
  /** `armed`: exit code 0. `attention`: 5. `unarmed`: 4. */
  readonly verdict: 'armed' | 'attention' | 'unarmed';
  readonly exitCode: ExitCode;
  readonly checks: readonly Check[];
  /** Which events lead to a dump, when `verdict` is not `unarmed`. */
  readonly events: readonly EventReport[];
  readonly estimate: DumpEstimate | undefined;
  readonly outlook: readonly string[];
  /** Latest first. */
  readonly captures: readonly {
    readonly folder: string;
    readonly time: string;
    readonly status: CaptureStatus | 'interrupted' | 'empty';
  }[];
  readonly breadcrumbs: readonly Breadcrumb[];
};

type CheckFunction = (facts: StatusFacts) => Check | readonly Check[];

/** In the order of the screen: what must be there first comes first. */
const table: readonly CheckFunction[] = [
  checkReservation,
  checkPermission,
  checkLoaded,
  checkImage,
  checkTargets,
  checkPlan,
  checkConfiguration,
  checkKernels,
  checkProcessor,
  checkService,
  checkPanicTimeout,
  checkLoop,
  checkCaptures,
  checkCrashTest,
];

export function readStatus(system: System, build: ResolveOptions['build']): Status {
  return judge(gatherFacts(system, build));
}

/** The status these facts amount to. @param probed what a trial of the targets found. */
export function judge(facts: StatusFacts, probed: readonly Check[] = []): Status {
  const checks = [...table.flatMap((check) => check(facts)), ...probed];
  const exitCode = statusExitCode(checks);
  return {
    version: 1,
    verdict: exitCode === 4 ? 'unarmed' : exitCode === 5 ? 'attention' : 'armed',
    exitCode,
    checks,
    events: facts.events,
    estimate: facts.estimate,
    outlook: describeOutlook(facts, checks),
    captures: facts.captures.map(({ folder, time, status }) => ({ folder, time, status })),
    breadcrumbs: facts.breadcrumbs,
  };
}
