/** What the stages of one run share. */
import type { System } from '../sys/system.ts';
import { leaveBreadcrumb, type Stage } from './breadcrumbs.ts';
import type { Crash } from './crash.ts';
import type { RunName } from './naming.ts';
import type { Pulse } from './pulse.ts';
import type { RunLog } from './run-log.ts';
import type { CaptureSettings } from './settings.ts';
import type { TimeLimit } from './time-limit.ts';

export type FailedTarget = { readonly target: string; readonly why: string };

export type Run = {
  readonly system: System;
  readonly settings: CaptureSettings;
  readonly log: RunLog;
  readonly pulse: Pulse;
  readonly limit: TimeLimit;
  readonly crash: Crash;
  readonly name: RunName;
  /** Targets that could not take the dump, as they fail. */
  readonly failedTargets: FailedTarget[];
  /** What concerns the whole run, a sentence each. */
  readonly warnings: string[];
  /** What is done once, however many targets are tried. `network`: it is up. */
  readonly done: Set<'pre hooks' | 'network tried' | 'network'>;
  /** Milliseconds; `dmesg`: from the agent's start until the log was on the disk. */
  readonly elapsedMs: Record<string, number>;
};

/** Leaves a breadcrumb, where the run is one that might come to grief unseen. */
export function markStage({ system, settings, name }: Run, stage: Stage, detail?: string): void {
  if (settings.unattended) leaveBreadcrumb(system, stage, name.name, detail);
}

/** Milliseconds since the agent started, noted once under a name. */
export function noteElapsed({ system, settings, elapsedMs }: Run, name: string, since = settings.startedAt): void {
  elapsedMs[name] ??= Math.round(system.now() - since);
}
