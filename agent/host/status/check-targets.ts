/** The places a dump would go to: can they be reached, and is there room? */
import { formatBytes, MiB } from '../../binary/units.ts';
import type { Check } from './check.ts';
import type { StatusFacts } from './facts.ts';
import type { NetworkFacts } from './network-target-facts.ts';
import type { TargetFacts } from './target-facts.ts';

/** A log and a manifest fit into this. */
const logBytes = 8 * MiB;

/** True when something can be saved there. */
export function isUsable({ problems }: TargetFacts): boolean {
  return !problems.some(({ fatal }) => fatal);
}

export function checkTargets(facts: StatusFacts): readonly Check[] {
  const { targets, image } = facts;
  if (image.planProblem !== undefined) {
    const { text, hint } = image.planProblem;
    return [
      {
        name: 'target',
        level: facts.isRoot ? 'fail' : 'note',
        text,
        hint: facts.isRoot ? (hint ?? 'kcapture config check') : 'sudo kcapture status',
      },
    ];
  }
  const anyUsable = targets.some(isUsable);
  return targets.flatMap((target, index) => {
    const name = targets.length === 1 ? 'target' : `target ${index + 1}`;
    if (target.problems.length === 0) return [reachable(name, target), ...checkRoom(name, target, facts)];
    const problems = target.problems.map(({ fatal, text, hint }): Check => {
      return { name, level: fatal && !anyUsable ? 'fail' : 'warn', text: `${target.wish}: ${text}`, hint };
    });
    return isUsable(target) ? [...problems, ...checkRoom(name, target, facts)] : problems;
  });
}

function reachable(name: string, target: TargetFacts): Check {
  const { wish, node, folder, kind, network } = target;
  if (network !== undefined) return onNetwork(name, wish, network);
  if (kind === 'raw') return { name, level: 'ok', text: `${wish}: the device is there; the next boot makes files of a dump on it` };
  if (folder === undefined) return { name, level: 'ok', text: `${wish}: ${node} is there, not mounted now` };
  return { name, level: 'ok', text: `${wish}: ${node}, now seen as ${folder}` };
}

/** What is known without asking the server. */
function onNetwork(name: string, wish: string, { host, addresses, bytesPerSecond, checkedAt, url }: NetworkFacts): Check {
  const server = addresses[0] === undefined || addresses[0] === host ? host : `${host} (${addresses[0]})`;
  if (checkedAt === undefined) {
    return { name, level: 'note', text: `${wish}: ${server}, never tried from this machine`, hint: `kcapture target check ${url}` };
  }
  const rate = bytesPerSecond === undefined ? '' : `, ${formatBytes(bytesPerSecond)} a second`;
  return { name, level: 'ok', text: `${wish}: ${server}, last tried ${checkedAt.slice(0, 10)}${rate}` };
}

function checkRoom(name: string, target: TargetFacts, { estimate, configuration }: StatusFacts): readonly Check[] {
  if (target.network !== undefined) return [];
  const room = `${name.replace('target', 'room')}`;
  if (target.space === undefined) {
    if (target.kind === 'raw') return [];
    return [{ name: room, level: 'note', text: 'not known: the file system is not mounted', hint: 'kcapture test' }];
  }
  const { freeBytes, totalBytes } = target.space;
  const kept = target.kind === 'raw' ? 0 : configuration.minFreeBytes;
  const usable = Math.max(0, freeBytes - kept);
  const free = `${formatBytes(freeBytes)} of ${formatBytes(totalBytes)} free${kept > 0 ? `, ${formatBytes(kept)} stay free` : ''}`;
  const hint = `Make room in ${target.folder ?? target.wish}: kcapture list; or raise the dump level or name a larger target in /etc/kcapture.conf`;
  if (freeBytes < logBytes) return [{ name: room, level: 'fail', text: `${free}: not even the log fits`, hint }];
  const onlyLog = configuration.dmesgOnlyBelowBytes;
  if (onlyLog !== undefined && freeBytes < onlyLog) {
    return [{ name: room, level: 'warn', text: `${free}: below ${formatBytes(onlyLog)} only the log is saved`, hint }];
  }
  if (estimate === undefined) return [{ name: room, level: 'note', text: `${free}; how much a dump needs is not known` }];
  const need = `a dump now needs about ${formatBytes(estimate.dumpBytes)}`;
  if (usable < estimate.dumpBytes) return [{ name: room, level: 'warn', text: `${free}: ${need}, so it would be incomplete`, hint }];
  if (usable < estimate.wantedBytes) return [{ name: room, level: 'warn', text: `${free}: ${need}, and may be half as large again`, hint }];
  return [{ name: room, level: 'ok', text: `${free}; ${need}` }];
}
