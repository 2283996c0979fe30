/**
 * A configuration while its lines are read: what each line sets, and what can be decided only when all are read.
 */
import type { CodecChoice } from './codec-choice.ts';
import type { OwnCollector } from './collector.ts';
import type { Configuration, TargetWish } from './configuration.ts';
import { defaultConfiguration } from './defaults.ts';
import { createProblem, type Problem } from './problem.ts';

export type Draft = { -readonly [Key in keyof Configuration]: Configuration[Key] } & {
  /** Targets of this reading, in order; empty leaves those that were there. */
  newTargets: TargetWish[];
  /** `level`, `compress` and `threads`: they win over what `core_collector` says. */
  asked: { levels?: readonly number[]; codec?: CodecChoice; threads?: number };
};

/** @param base what holds where nothing is said */
export function createDraft(base: Configuration = defaultConfiguration): Draft {
  return { ...base, newTargets: [], asked: {} };
}

/** Puts together what belongs together, and says what contradicts itself. */
export function finishDraft(draft: Draft): { configuration: Configuration; problems: Problem[] } {
  const problems: Problem[] = [];
  const warn = (message: string, hint?: string) => problems.push(createProblem(0, 'warning', message, hint));
  const { newTargets, asked, ...rest } = draft;
  const targets = newTargets.length === 0 ? draft.targets : newTargets;
  if (rest.forceRebuild && rest.forceNoRebuild) {
    problems.push(
      createProblem(0, 'error', 'Cannot both force_rebuild and force_no_rebuild: the image is rebuilt when it must be', 'Remove one'),
    );
    Object.assign(rest, { forceRebuild: false, forceNoRebuild: false });
  }
  if (!targets.some((target) => target.kind === 'remote' && target.place.kind === 'ssh') && rest.sshKey !== undefined)
    warn('sshkey has no effect: no target is ssh');
  if (rest.fenceKdumpArguments.length > 0 && rest.fenceKdumpNodes.length === 0)
    warn('fence_kdump_args has no effect without fence_kdump_nodes');
  if (rest.commandLine.replace !== undefined && rest.commandLine.remove.length > 0)
    warn('cmdline_remove has no effect: cmdline replaces all words');
  return { configuration: { ...rest, targets, collector: finishCollector(draft, warn) }, problems };
}

function finishCollector({ collector, asked }: Draft, warn: (message: string, hint?: string) => void) {
  if (collector.kind === 'program') {
    if (Object.keys(asked).length > 0) warn(`level, compress and threads have no effect: ${collector.argv[0]} does the work`);
    return collector;
  }
  const merged: OwnCollector = {
    ...collector,
    ...(asked.codec ?? {}),
    levels: asked.levels ?? collector.levels,
    threads: asked.threads ?? collector.threads,
  };
  if (merged.format === 'kdump' || merged.codec === undefined) return merged;
  warn('compress has no effect: an ELF dump holds no compressed pages', 'Remove -E, cp or scp from core_collector');
  return { ...merged, codec: undefined, codecLevel: undefined };
}
