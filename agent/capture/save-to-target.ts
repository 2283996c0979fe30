/**
 * One target from end to end: open, log, hooks, memory, manifest, logs, retention. Whatever goes wrong here costs this target and no other.
 */
import { formatBytes } from '../binary/units.ts';
import { dumpFiles, flattenedMemory, safeHost } from '../target/dump-name.ts';
import type { DumpStore, StoredFile } from '../target/dump-store.ts';
import type { CaptureTarget } from '../target/open-target.ts';
import { meansBrokenOff } from './broken-off.ts';
import { asKcaptureError } from './capture-error.ts';
import { hookContext, runPostHooks } from './hooks.ts';
import { judgeLoop } from './loop-guard.ts';
import type { CaptureStatus, Manifest } from './manifest.ts';
import { closeStore, openStore } from './open-store.ts';
import { applyRetention } from './retention.ts';
import { markStage, noteElapsed, type Run } from './run.ts';
import { saveDmesg } from './save-dmesg.ts';
import { keepLog, saveLog } from './save-log.ts';
import { type SavedMemory, saveMemory } from './save-memory.ts';
import { reasonToSkip } from './skip-memory.ts';
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
    store = openStore(run, turn.target, turn.index);
    return fillStore(run, turn, store);
  } catch (error) {
    giveUp(run, turn.target, error);
    return { ...nothingSaved, settled: meansBrokenOff(error) };
  } finally {
    closeStore(run, store);
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
    runPostHooks(hookContext(run, store.folder), manifest.status === 'complete' ? 0 : 1);
    saveLog(run, store);
  }
  return { status: manifest.status, where: store.where, manifest, settled, asWished };
}

function dumpMemory(run: Run, store: DumpStore): SavedMemory {
  const { log } = run;
  const earlier = savedBefore(run, store);
  if (earlier !== undefined) return earlier;
  markStage(run, 'dumping');
  log.info('saving the memory');
  keepLog(run, store);
  const memory = saveMemory(run, store);
  if (memory.amount === 'complete') markStage(run, 'dump saved');
  const size = memory.result === undefined ? '' : `: ${formatBytes(memory.result.writtenBytes)}`;
  log.info(memory.amount === 'none' ? 'no memory could be saved' : `memory saved, ${memory.amount}${size}`);
  return memory;
}

/** An agent that died may have come as far as that; a dump has its name only when it is whole. */
function savedBefore({ name, log }: Run, store: DumpStore): SavedMemory | undefined {
  const isThere = name.adopted && store.storedFiles().some(isWholeMemory);
  if (!isThere) return undefined;
  const sentence = 'The memory was saved by an agent that died afterwards: the counts of its pages are not known';
  log.warn(sentence);
  return { amount: 'complete', result: undefined, lost: [sentence], warnings: [], problem: undefined };
}

function isWholeMemory({ name, complete }: StoredFile): boolean {
  return complete && (name === dumpFiles.memory || name === flattenedMemory);
}

/** Whole, or the fault is not the target's. */
function isSettled(memory: SavedMemory | undefined): boolean {
  const code = memory?.problem?.code ?? '';
  return !(code.startsWith('sink/') || code.startsWith('files/') || code.startsWith('target/'));
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

function giveUp(run: Run, { wish }: CaptureTarget, error: unknown): void {
  const { message, hint } = asKcaptureError(error);
  run.failedTargets.push({ target: wish, why: message });
  run.log.error(`${message}${hint === undefined ? '' : ` (${hint})`}`);
  noteElapsed(run, 'firstFailure');
}
