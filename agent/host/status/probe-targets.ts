/** Tries the targets on the network, for those who ask for it: the status itself asks no server. */
import { isOnNetwork } from '../../config/armed-plan.ts';
import type { System } from '../../sys/system.ts';
import { probeTarget } from '../test/probe-target.ts';
import type { Check } from './check.ts';
import type { StatusFacts } from './facts.ts';

/** A target that fails leaves the others: only when none is left would a crash not be captured. */
export async function probeTargets(system: System, { image, configuration, targets }: StatusFacts): Promise<readonly Check[]> {
  const { deviceTimeoutSeconds, sshKey } = configuration;
  const found: Check[] = [];
  for (const [index, target] of (image.plan?.targets ?? []).entries()) {
    if (isOnNetwork(target)) found.push(...(await probeTarget(system, target, { index, deviceTimeoutSeconds, sshKey })));
  }
  const failed = new Set(found.filter(({ level }) => level === 'fail').map(({ name }) => name));
  const isLast = failed.size === targets.length;
  const name = (one: string) => one.replace('target', 'trial');
  return found.map((check) => ({ ...check, name: name(check.name), level: check.level === 'fail' && !isLast ? 'warn' : check.level }));
}
