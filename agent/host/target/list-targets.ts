/** Targets on the network: those of the configuration, and those that have credentials here without being in it. */
import type { Configuration } from '../../config/configuration.ts';
import { formatRemoteUrl } from '../../config/remote-url.ts';
import type { System } from '../../sys/system.ts';
import { credentialProblems } from './check-credentials.ts';
import { listCredentialsFolders } from './credentials-folder.ts';
import { findCredentials } from './find-credentials.ts';
import { nfsFolder, nfsUrl } from './nfs-url.ts';
import { isNetworkWish, type NetworkWish } from './read-target-url.ts';
import { splitNfsSource } from '../../config/nfs-source.ts';
import { readServerFacts } from './server-facts.ts';

export type ListedTarget = {
  /** `undefined`: nothing says where the credentials belong. */
  readonly url: string | undefined;
  readonly folder: string;
  readonly isConfigured: boolean;
  readonly checkedAt: string | undefined;
  readonly bytesPerSecond: number | undefined;
  /** Sentences without full stops. */
  readonly problems: readonly string[];
};

export function listTargets(system: System, { targets, sshKey }: Pick<Configuration, 'targets' | 'sshKey'>): readonly ListedTarget[] {
  const configured = targets.filter(isNetworkWish).map((wish) => describe(system, wish, sshKey));
  const rest = listCredentialsFolders(system).filter((folder) => !configured.some((one) => one.folder === folder));
  return [...configured, ...rest.map((folder) => ({ ...known(system, folder), folder, isConfigured: false, problems: [] }))];
}

function describe(system: System, wish: NetworkWish, sshKey: string | undefined): ListedTarget {
  if (wish.kind === 'nfs') {
    const place = { ...splitNfsSource(wish.source), options: wish.options };
    const folder = nfsFolder(place);
    return { ...known(system, folder), url: nfsUrl(place), folder, isConfigured: true, problems: [] };
  }
  const sources = findCredentials(system, wish.place, sshKey);
  const problems = credentialProblems(system, wish.place, sources).map(({ text }) => text);
  return { ...known(system, sources.folder), url: formatRemoteUrl(wish.place), folder: sources.folder, isConfigured: true, problems };
}

function known(system: System, folder: string): Pick<ListedTarget, 'url' | 'checkedAt' | 'bytesPerSecond'> {
  const { url, checkedAt, bytesPerSecond } = readServerFacts(system, folder);
  return { url, checkedAt, bytesPerSecond };
}
