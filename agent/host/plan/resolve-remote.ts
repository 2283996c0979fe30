/**
 * One wished target on the network, resolved against the running machine: the server's addresses, the folder there, and the files that prove who we are.
 *
 * What is missing becomes a warning with its remedy; the target is kept, because what is missing now may be there when it counts.
 */
import { credentialFiles } from '../../config/credentials.ts';
import type { TargetWish } from '../../config/configuration.ts';
import { type NfsWish, splitNfsSource } from '../../config/nfs-source.ts';
import type { RemotePlace } from '../../config/remote-place.ts';
import { nameTarget } from '../../config/target-wish.ts';
import type { System } from '../../sys/system.ts';
import type { RequiredFile } from '../requirements/requirements.ts';
import { credentialProblems } from '../target/check-credentials.ts';
import { type CredentialName, type CredentialSources, findCredentials } from '../target/find-credentials.ts';
import { placeHost } from '../target/place-host.ts';
import { readServerFacts } from '../target/server-facts.ts';
import { findAddresses } from './find-addresses.ts';
import { createNeeds, type Needs } from './needs.ts';
import type { ResolvedTarget, TargetSettings } from './resolve-target.ts';

type RemoteWish = Extract<TargetWish, { kind: 'remote' }>;

export function resolveNfs(system: System, wish: NfsWish, { path }: TargetSettings): ResolvedTarget {
  const needs = createNeeds();
  const { host, exported } = splitNfsSource(wish.source);
  needs.modules.push('nfs');
  // Which of them a server wants shows when it is asked.
  needs.optionalModules.push('nfsv3', 'nfsv4');
  const text = nameTarget(wish);
  const addresses = addressesOf(system, host, text, needs);
  return { target: { kind: 'nfs', wish: text, host, addresses, exported, options: wish.options ?? '', folder: path }, needs };
}

export function resolveRemote(system: System, wish: RemoteWish, settings: TargetSettings): ResolvedTarget {
  const needs = createNeeds();
  const text = nameTarget(wish);
  const place = withPath(wish.place, settings.path);
  const addresses = addressesOf(system, placeHost(place).host, text, needs);
  const sources = findCredentials(system, wish.place, settings.sshKey);
  needs.keyFiles.push(...filesOf(sources));
  const problems = credentialProblems(system, wish.place, sources);
  needs.warnings.push(...problems.map(({ text: what, hint }) => `The target "${text}": ${what}. ${hint}.`));
  const { canRename } = readServerFacts(system, sources.folder);
  return { target: { kind: 'remote', wish: text, place, addresses, credentials: sources.folder, canRename }, needs };
}

function withPath(place: RemotePlace, path: string): RemotePlace {
  return place.kind === 'ssh' ? { ...place, path: place.path ?? path } : place;
}

function addressesOf(system: System, host: string, wish: string, needs: Needs): readonly string[] {
  const { addresses, problem } = findAddresses(system, host);
  if (problem !== undefined) {
    needs.warnings.push(
      `The target "${wish}": no address of ${host} was found, ${problem}. See: getent ahosts ${host}; when it answers: kcapture load --rebuild.`,
    );
  }
  return addresses;
}

function filesOf({ folder, paths }: CredentialSources): readonly RequiredFile[] {
  return Object.entries(paths).map(([name, source]) => {
    return { source, destination: `${folder}/${credentialFiles[name as CredentialName]}`, mode: 0o600 };
  });
}
