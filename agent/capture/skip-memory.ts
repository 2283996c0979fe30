/** Why a target gets the log and no memory. */
import { formatBytes } from '../binary/units.ts';
import type { DumpStore } from '../target/dump-store.ts';
import { hookContext, runPreHooks } from './hooks.ts';
import type { Run } from './run.ts';
import { keepLog } from './save-log.ts';

export type Skipped = {
  readonly why: string;
  /** No other target would be better. */
  readonly settled: boolean;
  /** It is no failure. */
  readonly asWished: boolean;
};

/** Runs the programs before a dump, the last thing that may speak against it. `undefined`: the memory is saved. */
export function reasonToSkip(run: Run, store: DumpStore): Skipped | undefined {
  const { system, settings, limit } = run;
  const { dmesgOnlyBelowBytes, minFreeBytes } = settings.configuration;
  if (settings.mode === 'dmesg-only') return { why: 'only the log was asked for', settled: true, asWished: true };
  const hooks = { ...hookContext(run, store.folder), onStart: () => keepLog(run, store) };
  const failed = settings.hooks && !run.done.has('pre hooks') ? runPreHooks(hooks) : undefined;
  run.done.add('pre hooks');
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
