/**
 * The administrator's own programs before and after a capture, in the manner of kdump.conf: when `kdump_pre` fails there is no dump, those in a `.d` folder may fail;
 * those behind it get the status as their argument.
 */
import type { Configuration } from '../config/configuration.ts';
import { hookFolders } from '../config/defaults.ts';
import type { System } from '../sys/system.ts';
import type { Pulse } from './pulse.ts';
import type { Run } from './run.ts';
import type { RunLog } from './run-log.ts';

export type HookContext = {
  readonly system: System;
  readonly configuration: Configuration;
  readonly log: RunLog;
  readonly pulse: Pulse;
  /** On the clock of `system.now()`. */
  readonly endsAt: number;
  /** Where the files of this capture lie; `undefined` on a raw device, or when there is none. */
  readonly folder: string | undefined;
  /** Called when the log names the program that is about to run: should the machine not survive it, the next one shall know. */
  readonly onStart?: () => void;
};

/** @param folder where the files of this capture lie. */
export function hookContext({ system, settings, log, pulse, limit }: Run, folder: string | undefined): HookContext {
  return { system, configuration: settings.configuration, log, pulse, endsAt: limit.runEndsAt, folder };
}

/** Stops at the first of `kdump_pre` that fails; @returns which, and its status. Those in the folder run when all of these went well. */
export function runPreHooks(context: HookContext): string | undefined {
  for (const path of context.configuration.preHooks) {
    const status = runHook(context, [path]);
    if (status !== 0) return `${path} ended with ${status}`;
  }
  for (const path of dropIns(context, 'pre')) runHook(context, [path]);
  return undefined;
}

/** @param status 0: the dump is whole. */
export function runPostHooks(context: HookContext, status: number): void {
  for (const path of [...dropIns(context, 'post'), ...context.configuration.postHooks]) runHook(context, [path, String(status)]);
}

export function runEmergencyHooks(context: HookContext): void {
  for (const path of [...dropIns(context, 'emergency'), ...context.configuration.emergencyHooks]) runHook(context, [path]);
}

/** Programs in the folder for drop-ins, by name; the image holds those the machine had. */
function dropIns({ system }: HookContext, kind: keyof typeof hookFolders): readonly string[] {
  const folder = hookFolders[kind];
  const paths = system.files.list(folder).map((name) => `${folder}/${name}`);
  return paths.filter((path) => {
    const status = system.files.status(path);
    return status?.kind === 'file' && (status.mode & 0o111) !== 0;
  });
}

function runHook({ system, configuration, log, pulse, endsAt, folder, onStart }: HookContext, argv: readonly string[]): number {
  const timeoutMs = Math.min(configuration.hookTimeoutSeconds * 1000, Math.max(1000, endsAt - system.now()));
  log.info(`running ${argv.join(' ')}`);
  onStart?.();
  pulse.allow(timeoutMs);
  const { status, stdout, stderr } = system.programs.run(argv, { timeoutMs, environment: { KCAPTURE_FOLDER: folder } });
  pulse.beat();
  const words = `${stdout}${stderr}`.trim().split('\n').slice(-20).join('\n  ');
  if (words !== '') log.info(`  ${words}`);
  if (status === 124) log.warn(`${argv[0]} was ended after ${Math.round(timeoutMs / 1000)} s`);
  else if (status !== 0) log.warn(`${argv[0]} ended with ${status}`);
  return status;
}
