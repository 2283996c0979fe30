/** Whether what is loaded has room to work in: the kernel takes it as soon as it fits, which is much less. */
import { formatBytes } from '../../binary/units.ts';
import type { System } from '../../sys/system.ts';
import { readLoadSetting } from '../load/load-conditions.ts';
import { type FactOptions, gatherNeedFacts } from './need-facts.ts';
import { recommend } from './recommend.ts';

/** A sentence, or `undefined` when there is room. */
export function warnIfTight(system: System, options: FactOptions): string | undefined {
  const { facts } = gatherNeedFacts(system, options);
  const { regionBytes } = readLoadSetting(system);
  const { verdict, needs, word } = recommend(facts, regionBytes, system.kernel.utsname().machine);
  if (verdict !== 'low' && verdict !== 'tight') return undefined;
  const outcome = verdict === 'low' ? 'will most likely run out of memory' : 'has no margin';
  return `The capture kernel ${outcome}: ${formatBytes(regionBytes)} are reserved, it takes about ${formatBytes(needs.totalBytes)}. "kcapture estimate" recommends ${word}.`;
}
