/** What a capture run does on threads of its own, and how such a thread begins. */
import type { System } from '../sys/system.ts';
import { type GuardTask, runGuard } from './guard.ts';

/** A program that runs beside the capture until the machine restarts. */
export type ProgramTask = { readonly kind: 'program'; readonly argv: readonly string[] };
export type BackgroundTask = GuardTask | ProgramTask;

const programTimeoutMs = 24 * 3600 * 1000;

/** Tells a task of ours from one of the other threads of this program. */
export function isBackgroundTask(task: unknown): task is BackgroundTask {
  const kind = typeof task === 'object' && task !== null && 'kind' in task ? task.kind : undefined;
  return kind === 'guard' || kind === 'program';
}

export function runBackgroundTask(system: System, task: BackgroundTask): void {
  if (task.kind === 'guard') runGuard(system, task);
  else system.programs.run(task.argv, { timeoutMs: programTimeoutMs });
}
