/** The end of a run: what is left to say, what to do on failure, and the final action. Nobody may be watching, and nothing here waits for ever. */
import { decodeText } from '../binary/text.ts';
import { imagePaths } from '../config/armed-plan.ts';
import type { FinalAction } from '../config/configuration.ts';
import type { System } from '../sys/system.ts';
import { hookContext, runEmergencyHooks, runPostHooks } from './hooks.ts';
import { forceRestart } from './restart.ts';
import { markStage, type Run } from './run.ts';
import type { Outcome } from './save-to-target.ts';

/** The end of the log, where the crash stands: a serial line takes a few seconds for it. */
const consoleBytes = 64 * 1024;
const kmsgLines = 40;
const shellMs = 24 * 3600 * 1000;
const shells = ['/bin/bash', '/bin/sh', '/bin/ash'];

/** What is done even by hand: the last words. */
export function concludeRun(run: Run, outcome: Outcome): void {
  const { log, crash, settings } = run;
  const isSaved = outcome.where !== undefined;
  markStage(run, isSaved ? 'finished' : 'failed', isSaved ? outcome.status : run.failedTargets.at(-1)?.why);
  if (isSaved) log.info(`${outcome.status}: ${outcome.where}`);
  else if (!outcome.asWished) {
    const what = run.elapsedMs.dmesg === undefined ? 'nothing could be saved' : 'no memory could be saved, only the log';
    log.error(`${what}: the end of the crashed kernel’s log follows`);
    if (crash.dmesg !== undefined) printLog(run, crash.dmesg);
  }
  if (outcome.asWished || !settings.hooks) return;
  const context = hookContext(run, undefined);
  if (!isSaved) runPostHooks(context, 1);
  runEmergencyHooks(context);
}

/** To the console, and its last lines to the kernel's log and to what survives a restart. */
function printLog({ system, log }: Run, dmesg: Uint8Array): void {
  const text = decodeText(dmesg.subarray(Math.max(0, dmesg.length - consoleBytes)));
  system.printError(`${text}\n`);
  for (const line of text.trimEnd().split('\n').slice(-kmsgLines)) log.kmsg('error', line);
  try {
    system.files.writeExisting('/dev/pmsg0', text);
  } catch {
    // No persistent memory.
  }
}

/** Returns only when the machine cannot be restarted. */
export function takeFinalAction(run: Run, outcome: Outcome): void {
  const { system, log, pulse, settings } = run;
  const { failureAction, finalAction } = settings.configuration;
  if (!outcome.asWished && failureAction === 'shell') giveShell(run);
  // A target that went away may keep a sync waiting for ever.
  if (run.failedTargets.length === 0) system.kernel.syncAll();
  const action = outcome.asWished ? finalAction : actionAfterFailure(failureAction, finalAction);
  log.info(`${action} now`);
  pulse.beat();
  forceRestart(system, action, `the capture is over: ${outcome.status}`);
}

function actionAfterFailure(failureAction: string, finalAction: FinalAction): FinalAction {
  return failureAction === 'reboot' || failureAction === 'halt' || failureAction === 'poweroff' ? failureAction : finalAction;
}

/** A person takes over: both guards stop, and the watchdog is fed until the shell ends, or a day is over. */
function giveShell({ system, log, pulse }: Run): void {
  const shell = shells.find((path) => system.programs.find(path) !== undefined);
  if (shell === undefined) return log.error('there is no shell in the image');
  pulse.setState('hold');
  stopScriptGuard(system);
  log.error(`the capture failed: here is a shell; the machine restarts when it ends. By hand: ${system.executablePath} capture`);
  system.programs.run([shell], { attached: true, timeoutMs: shellMs });
  pulse.setState('run');
}

function stopScriptGuard({ files }: System): void {
  try {
    files.write(imagePaths.guardOff, '1\n');
  } catch {
    // Then it restarts the machine when its time comes.
  }
}
