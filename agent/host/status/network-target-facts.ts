/** How a target on the network stands, as far as that can be told without asking its server: its addresses, its credentials, when it was tried. */
import type { NetworkTarget } from '../../config/armed-plan.ts';
import { formatRemoteUrl } from '../../config/remote-url.ts';
import type { System } from '../../sys/system.ts';
import { credentialProblems } from '../target/check-credentials.ts';
import { findCredentials } from '../target/find-credentials.ts';
import { placeHost } from '../target/place-host.ts';
import { readServerFacts } from '../target/server-facts.ts';
import { nfsFolder, nfsUrl } from '../target/nfs-url.ts';
import type { TargetContext, TargetProblem } from './target-facts.ts';

export type NetworkFacts = {
  readonly url: string;
  readonly host: string;
  /** Numeric, as they are now. */
  readonly addresses: readonly string[];
  /** When it was tried by `kcapture target`; `undefined`: never. */
  readonly checkedAt: string | undefined;
  readonly bytesPerSecond: number | undefined;
};

export function readNetworkFacts(system: Pick<System, 'files'>, target: NetworkTarget): NetworkFacts {
  const { bytesPerSecond, checkedAt } = readServerFacts(system, target.kind === 'nfs' ? nfsFolder(target) : target.credentials);
  return { url: urlOf(target), host: hostOf(target), addresses: target.addresses, checkedAt, bytesPerSecond };
}

export function networkProblems(system: System, target: NetworkTarget, { sshKey, armed }: TargetContext): readonly TargetProblem[] {
  const inImage = armed?.targets.find((one): one is NetworkTarget => one.wish === target.wish && one.kind === target.kind);
  const credentials = target.kind === 'nfs' ? [] : credentialProblems(system, target.place, findCredentials(system, target.place, sshKey));
  return [...addressProblems(target, inImage), ...credentials];
}

/** Object stores of others have new addresses all the time: only what is one server is held to those in the image. */
function addressProblems(target: NetworkTarget, inImage: NetworkTarget | undefined): readonly TargetProblem[] {
  const host = hostOf(target);
  const known = inImage?.addresses ?? [];
  if (target.addresses.length === 0) {
    const rest = known.length > 0 ? `, the image has ${known[0]} for it` : '';
    return [{ fatal: known.length === 0, text: `no address of ${host} can be found now${rest}`, hint: `See: getent ahosts ${host}` }];
  }
  const isStore = target.kind === 'remote' && target.place.kind === 's3';
  if (isStore || inImage === undefined || known.some((address) => target.addresses.includes(address))) return [];
  const text = `${host} has the address ${target.addresses[0]} now, the image ${known.length > 0 ? `has ${known[0]}` : 'has none'}`;
  return [{ fatal: false, text, hint: 'kcapture load --rebuild' }];
}

function hostOf(target: NetworkTarget): string {
  return target.kind === 'nfs' ? target.host : placeHost(target.place).host;
}

function urlOf(target: NetworkTarget): string {
  return target.kind === 'nfs' ? nfsUrl(target) : formatRemoteUrl(target.place);
}
