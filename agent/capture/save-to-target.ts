/**
 * One target from end to end: open, log, hooks, memory, manifest, logs, retention. Whatever goes wrong here costs this target and no other.
 */
import { formatBytes } from '../binary/units.ts';
import { dumpFiles, safeHost } from '../target/dump-name.ts';
import type { DumpStore } from '../target/dump-store.ts';
import { openFolderStore } from '../target/folder-store.ts';
import { type CaptureTarget, openTarget } from '../target/open-target.ts';
import { openRawStore } from '../target/raw/raw-store.ts';
import { asKcaptureError } from './capture-error.ts';
import { runPostHooks, runPreHooks } from './hooks.ts';
import { judgeLoop } from './loop-guard.ts';
import type { CaptureStatus, Manifest } from './manifest.ts';
import { applyRetention } from './retention.ts';
import { markStage, noteElapsed, type Run } from './run.ts';
import { saveDmesg } from './save-dmesg.ts';
import { type SavedMemory, saveMemory } from './save-memory.ts';
import { writeManifest } from './write-manifest.ts';

export type Outcome = {
  readonly status: CaptureStatus;
  /** The folder or device; `undefined` when nothing was saved anywhere. */
  readonly where: string | undefined;
  readonly manifest: Manifest | undefined;
  /** No other target would do better. */
  readonly settled: boolean;
  /** It is as it was meant to be: no reason for `failure_action`. */
  readonly asWished: boolean;
};

export const nothingSaved: Outcome = { status: 'failed', where: undefined, manifest: undefined, settled: false, asWished: false };

export type TargetTurn = {
  readonly target: CaptureTarget;
  readonly index: number;
  /** No other follows. */
  readonly isLast: boolean;
};

/** Never throws: a target that fails is in `run.failedTargets`. */
export function saveToTarget(run: Run, turn: TargetTurn): Outcome {
  let store: DumpStore | undefined;
  try {
    store = openStore(run, turn);
    return fillStore(run, turn, store);
  } catch (error) {
    giveUp(run, turn.target, error);
    return nothingSaved;
  } finally {
    closeStore(run, store);
  }
}

function openStore({ system, settings, log, pulse, name, limit, ...run }: Run, { target, index }: TargetTurn): DumpStore {
  log.info(`target ${index + 1}: ${target.wish}`);
  const since = system.now();
  const endsAt = Math.min(since + settings.configuration.deviceTimeoutSeconds * 1000, limit.dumpEndsAt);
  const open = openTarget(system, target, { index, endsAt, onWait: () => pulse.beat() });
  run.elapsedMs[`target${index + 1}`] = Math.round(system.now() - since);
  try {
    if (open.kind === 'folder') {
      return openFolderStore(system, { parent: open.folder, name: name.name, adopt: name.adopted, close: () => open.close() });
    }
    const store = openRawStore(system, { device: open.device, name: name.name, startedAtMs: name.startedAtMs, close: () => open.close() });
    if (store.replaced !== undefined)
      run.warnings.push(`The capture ${store.replaced.name} on ${store.where} was never recovered and gives way`);
    return store;
  } catch (error) {
    open.close();
    throw error;
  }
}

function fillStore(run: Run, turn: TargetTurn, store: DumpStore): Outcome {
  const { settings, log } = run;
  markStage(run, 'target open', turn.target.wish);
  const verdict = judgeLoop(run, store);
  if (verdict.save === 'nothing') {
    log.error(`nothing is saved: ${verdict.why}`);
    return { ...nothingSaved, settled: true, asWished: true };
  }
  saveDmesg(run, store);
  keepLog(run, store);
  const skipped = verdict.save === 'log' ? { why: verdict.why, settled: true, asWished: true } : reasonToSkip(run, store);
  if (skipped !== undefined) log.warn(`no memory is saved: ${skipped.why}`);
  const memory = skipped === undefined ? dumpMemory(run, store) : undefined;
  const lost = skipped === undefined ? [] : [`Memory was not saved: ${skipped.why}`];
  const manifest = writeManifest(run, store, { target: turn.target.wish, memory, lost });
  const settled = skipped?.settled ?? isSettled(memory);
  if (!settled) run.failedTargets.push({ target: turn.target.wish, why: skipped?.why ?? memory?.problem?.message ?? 'unknown' });
  saveLog(run, store);
  if (manifest.status === 'complete') retain(run, store);
  const asWished = manifest.status === 'complete' || (manifest.status === 'dmesg-only' && (skipped?.asWished ?? false));
  if ((settled || turn.isLast) && settings.hooks) {
    runPostHooks(hookContext(run, store), manifest.status === 'complete' ? 0 : 1);
    saveLog(run, store);
  }
  return { status: manifest.status, where: store.where, manifest, settled, asWished };
}

function dumpMemory(run: Run, store: DumpStore): SavedMemory {
  const { log } = run;
  markStage(run, 'dumping');
  const memory = saveMemory(run, store);
  if (memory.amount === 'complete') markStage(run, 'dump saved');
  const size = memory.result === undefined ? '' : `: ${formatBytes(memory.result.writtenBytes)}`;
  log.info(memory.amount === 'none' ? 'no memory could be saved' : `memory saved, ${memory.amount}${size}`);
  return memory;
}

type Skipped = { readonly why: string; readonly settled: boolean; readonly asWished: boolean };

/** Why this target gets the log and no memory. */
function reasonToSkip(run: Run, store: DumpStore): Skipped | undefined {
  const { system, settings, limit } = run;
  const { dmesgOnlyBelowBytes, minFreeBytes } = settings.configuration;
  if (settings.mode === 'dmesg-only') return { why: 'only the log was asked for', settled: true, asWished: true };
  const failed = settings.hooks ? runPreHooks(hookContext(run, store)) : undefined;
  if (failed !== undefined) return { why: failed, settled: true, asWished: true };
  if (system.now() >= limit.dumpEndsAt) return { why: 'the time limit is reached', settled: true, asWished: false };
  const free = store.freeBytes();
  const room = `${formatBytes(free)} are free on "${store.where}"`;
  if (dmesgOnlyBelowBytes !== undefined && free < dmesgOnlyBelowBytes) {
    return { why: `${room}, below the ${formatBytes(dmesgOnlyBelowBytes)} of dmesg_only_below`, settled: false, asWished: false };
  }
  if (store.folder !== undefined && minFreeBytes > 0 && free <= minFreeBytes) {
    return { why: `${room}, and ${formatBytes(minFreeBytes)} have to stay free`, settled: false, asWished: false };
  }
  return undefined;
}

/** Whole, or the fault is not the target's. */
function isSettled(memory: SavedMemory | undefined): boolean {
  const code = memory?.problem?.code ?? '';
  return !(code.startsWith('sink/') || code.startsWith('files/'));
}

function retain({ system, settings, log, name }: Run, store: DumpStore): void {
  if (store.folder === undefined) return;
  const at = store.folder.lastIndexOf('/');
  try {
    const gone = applyRetention(system, {
      parent: store.folder.slice(0, at),
      newest: store.folder.slice(at + 1),
      host: safeHost(name.host),
      keep: settings.configuration.keep,
      nowMs: name.clockTrusted ? system.kernel.wallClockMs() : undefined,
    });
    for (const old of gone) log.info(`removed the old dump ${old}`);
  } catch (error) {
    log.warn(`old dumps could not be removed: ${asKcaptureError(error).message}`);
  }
}

const mostKernelLogBytes = 1024 * 1024;

/** Our own words, and in the capture kernel those of that kernel. Worth having, and no reason to give up what is saved. */
function saveLog({ system, settings, log }: Run, store: DumpStore): void {
  const kernel = settings.inCaptureKernel ? `\n--- log of the capture kernel ---\n${system.kernel.readLog(mostKernelLogBytes)}` : '';
  try {
    store.save(dumpFiles.log, log.text + kernel);
  } catch (error) {
    log.warn(`the log of the capture cannot be saved: ${asKcaptureError(error).message}`);
  }
}

/** What was said so far, should no more come; and room for the manifest, should the memory fill the target. */
function keepLog({ log }: Run, store: DumpStore): void {
  try {
    store.keepLog(log.text);
    store.reserve();
  } catch (error) {
    log.warn(asKcaptureError(error).message);
  }
}

function hookContext({ system, settings, log, pulse, limit }: Run, store: DumpStore) {
  return { system, configuration: settings.configuration, log, pulse, endsAt: limit.runEndsAt, folder: store.folder };
}

function giveUp(run: Run, { wish }: CaptureTarget, error: unknown): void {
  const { message, hint } = asKcaptureError(error);
  run.failedTargets.push({ target: wish, why: message });
  run.log.error(`${message}${hint === undefined ? '' : ` (${hint})`}`);
  noteElapsed(run, 'firstFailure');
}

function closeStore({ log, pulse }: Run, store: DumpStore | undefined): void {
  try {
    store?.close();
  } catch (error) {
    log.warn(`the target could not be let go: ${asKcaptureError(error).message}`);
  }
  pulse.beat();
}
