/**
 * One target on the network, looked at and tried: credentials, then the server itself. Nothing of the machine is changed.
 */
import { formatRemoteUrl } from '../../config/remote-url.ts';
import type { NetworkTarget } from '../../config/armed-plan.ts';
import { KcaptureError } from '../../errors.ts';
import { resolveTarget, type TargetSettings } from '../plan/resolve-target.ts';
import type { System } from '../../sys/system.ts';
import type { Check } from '../status/check.ts';
import { credentialProblems } from './check-credentials.ts';
import { type CredentialSources, findCredentials, readSources } from './find-credentials.ts';
import { nfsUrl } from './nfs-url.ts';
import type { NetworkWish } from './read-target-url.ts';
import { TargetSetUpError } from './target-set-up-error.ts';
import { tryNfs } from './try-nfs.ts';
import { type Trial, tryRemote } from './try-remote.ts';

export type CheckOptions = Pick<TargetSettings, 'sshKey'> & {
  /** What is found is recorded: nothing older counts. */ readonly isAdded?: boolean;
};

export type CheckedTarget = Trial & { readonly url: string };

/** @throws TargetSetUpError `target-set-up/kind`, which cannot happen for what the configuration reads. */
export function armNetworkTarget(system: System, wish: NetworkWish, settings: TargetSettings): NetworkTarget {
  const { target } = resolveTarget(system, wish, settings);
  if (target.kind === 'nfs' || target.kind === 'remote') return target;
  throw new TargetSetUpError('target-set-up/kind', `Cannot try "${target.wish}": it is not on the network`);
}

/** Never throws a KcaptureError: each is a failed check. */
export async function checkTarget(
  system: System,
  target: NetworkTarget,
  { sshKey, isAdded = false }: CheckOptions,
): Promise<CheckedTarget> {
  if (target.kind === 'nfs') return { url: nfsUrl(target), ...tryNfs(system, target) };
  const url = formatRemoteUrl(target.place);
  const sources = findCredentials(system, target.place, sshKey);
  const checks = credentialChecks(system, target, sources);
  if (checks.some(({ level }) => level === 'fail')) return { url, passed: false, checks, bytesPerSecond: undefined, canRename: undefined };
  const { place, addresses } = target;
  try {
    const trial = await tryRemote(system, { place, addresses, credentials: readSources(system, sources) });
    return {
      url,
      ...trial,
      checks: [...checks, ...trial.checks, ...(isAdded ? [] : renameChecks(target.canRename, trial.canRename, url))],
    };
  } catch (error) {
    if (!(error instanceof KcaptureError)) throw error;
    const failed: Check = { name: 'credentials', level: 'fail', text: error.message, hint: error.hint };
    return { url, passed: false, checks: [...checks, failed], bytesPerSecond: undefined, canRename: undefined };
  }
}

function credentialChecks(
  system: System,
  { place }: Extract<NetworkTarget, { kind: 'remote' }>,
  sources: CredentialSources,
): readonly Check[] {
  const name = 'credentials';
  const problems = credentialProblems(system, place, sources);
  if (problems.length > 0) return problems.map(({ fatal, text, hint }) => ({ name, level: fatal ? 'fail' : 'warn', text, hint }));
  const found = Object.values(sources.paths);
  return [{ name, level: 'ok', text: found.length === 0 ? 'none, the server may ask for some' : found.join(', ') }];
}

/** The plan goes by what was found when the target was added. */
function renameChecks(recorded: boolean, found: boolean | undefined, url: string): readonly Check[] {
  if (found === undefined || found === recorded) return [];
  const text = `what is recorded is that it ${recorded ? 'renames' : 'renames no'} files, which is different now`;
  return [{ name: 'rename', level: 'warn', text, hint: `Run: kcapture target add ${url}; then: kcapture load --rebuild` }];
}
