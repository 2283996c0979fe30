/**
 * A machine that crashes again and again must not fill its disk with dumps of one and the same crash: after some within a while only the log is saved, and after many
 * more nothing.
 */
import type { DumpStore } from '../target/dump-store.ts';
import type { Run } from './run.ts';

export type LoopVerdict = { readonly save: 'everything' } | { readonly save: 'log' | 'nothing'; readonly why: string };

/** Logs that are still saved once memory is not. */
const logsBeyondLimit = 20;

/** @param store tells how many captures there were; on a raw device there is room for one, and the one that is there stays. */
export function judgeLoop({ settings, name }: Run, store: DumpStore): LoopVerdict {
  const { captures, windowSeconds } = settings.configuration.loopLimit;
  if (captures === 0 || !settings.unattended) return { save: 'everything' };
  const before = store.countRecent(name.startedAtMs, windowSeconds * 1000);
  if (before < captures) return { save: 'everything' };
  const why = `${before} captures of this machine lie within ${windowSeconds} s already, and the limit is ${captures}`;
  const keepsNothing = store.folder === undefined || before >= captures + logsBeyondLimit;
  return { save: keepsNothing ? 'nothing' : 'log', why };
}
