/**
 * The automatic run: the machine has crashed, and this is the capture kernel.
 *
 * Comes in: settings. Goes out: the log of the crashed kernel, then its memory, then a manifest, on the first target that takes them; then the machine
 * restarts. A dump beats an error: what fails costs itself, is written down, and the next best is done.
 */
import type { System } from '../sys/system.ts';
import type { BackgroundTask } from './background.ts';
import { asKcaptureError } from './capture-error.ts';
import { readCrash } from './crash.ts';
import { startFenceKdump } from './fence-kdump.ts';
import { concludeRun, takeFinalAction } from './finish.ts';
import { tuneKernel } from './kernel-tuning.ts';
import type { CaptureStatus, Manifest } from './manifest.ts';
import { loadModules } from './modules.ts';
import { nameRun } from './naming.ts';
import { Pulse } from './pulse.ts';
import { RunLog } from './run-log.ts';
import { type FailedTarget, markStage, type Run } from './run.ts';
import { nothingSaved, type Outcome, saveToTarget } from './save-to-target.ts';
import type { CaptureSettings } from './settings.ts';
import { timeLimit } from './time-limit.ts';

export type CaptureResult = {
  readonly status: CaptureStatus;
  /** Nothing is missing that was wished. */
  readonly asWished: boolean;
  readonly where: string | undefined;
  readonly manifest: Manifest | undefined;
  readonly failedTargets: readonly FailedTarget[];
};

/** Unattended, this returns only when the machine cannot be restarted. */
export function capture(system: System, settings: CaptureSettings): CaptureResult {
  const run = beginRun(system, settings);
  const outcome = attempt(run, nothingSaved, () => saveSomewhere(run));
  attempt(run, undefined, () => concludeRun(run, outcome));
  if (settings.unattended) takeFinalAction(run, outcome);
  run.pulse.setState('end');
  const { status, asWished, where, manifest } = outcome;
  return { status, asWished, where, manifest, failedTargets: run.failedTargets };
}

function beginRun(system: System, settings: CaptureSettings): Run {
  const { configuration, unattended, mode, source, startedAt } = settings;
  const log = new RunLog(system, startedAt, { unattended });
  const limit = timeLimit(startedAt, configuration.timeLimitSeconds);
  const pulse = new Pulse(system, { touch: unattended });
  log.info(`kcapture ${settings.build.version}${mode === 'full' ? '' : `, ${mode}`}`);
  if (unattended) startGuard(system, pulse, settings, limit.runEndsAt);
  for (const problem of settings.problems) log.warn(problem);
  const modules = settings.inCaptureKernel ? prepareKernel(system, settings, log) : [];
  const crash = readCrash(system, source, mode === 'full');
  for (const sentence of crash.lost) log.error(sentence);
  log.info(`Linux ${crash.release}${crash.panic === undefined ? '' : `: ${crash.panic}`}`);
  const name = nameRun(system, settings, crash);
  const warnings = [...settings.problems, ...modules];
  const run: Run = { system, settings, log, pulse, limit, crash, name, failedTargets: [], warnings, done: new Set(), elapsedMs: {} };
  markStage(run, 'started', mode);
  return run;
}

function startGuard(system: System, pulse: Pulse, { configuration }: CaptureSettings, runEndsAt: number): void {
  const { failureAction } = configuration;
  const action = failureAction === 'halt' || failureAction === 'poweroff' ? failureAction : 'reboot';
  const endsAt = Number.isFinite(runEndsAt) ? runEndsAt : undefined;
  const task: BackgroundTask = { kind: 'guard', shared: pulse.shared, sentAt: system.now(), endsAt, action };
  system.startWorkers([task]);
}

function prepareKernel(system: System, settings: CaptureSettings, log: RunLog): readonly string[] {
  tuneKernel(system, log);
  const failed = loadModules(system, settings.plan?.modules ?? [], log);
  startFenceKdump(system, settings, log);
  return failed;
}

const ranks: readonly CaptureStatus[] = ['failed', 'dmesg-only', 'partial', 'complete'];

/** Target after target, until one has it all; the best of what they got counts. */
function saveSomewhere(run: Run): Outcome {
  const { targets, skip } = run.settings;
  if (skip) return { ...nothingSaved, settled: true, asWished: true };
  let best = nothingSaved;
  for (const [index, target] of targets.entries()) {
    const outcome = saveToTarget(run, { target, index, isLast: index === targets.length - 1 });
    const gain = ranks.indexOf(outcome.status) - ranks.indexOf(best.status);
    if (gain > 0 || (gain === 0 && outcome.settled)) best = outcome;
    if (outcome.settled) break;
  }
  return best;
}

/** What was never meant to happen must not keep the machine from restarting. */
function attempt<T>(run: Run, otherwise: T, action: () => T): T {
  try {
    return action();
  } catch (error) {
    run.log.error(asKcaptureError(error).message);
    return otherwise;
  }
}
