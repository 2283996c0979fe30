/**
 * Targets that no plan was made for: those of a configuration without a plan, and those named on the kernel's command line. What can be tried by
 * its name alone is tried, the rest says why it cannot be.
 */
import { isIP } from 'node:net';
import { type ArmedPlan, isOnNetwork, type NetworkTarget } from '../config/armed-plan.ts';
import type { Configuration, TargetWish } from '../config/configuration.ts';
import { splitNfsSource } from '../config/nfs-source.ts';
import type { RemotePlace } from '../config/remote-place.ts';
import { nameTarget } from '../config/target-wish.ts';
import type { CaptureTarget } from '../target/open-target.ts';
import { namedTarget } from '../target/remote/named-target.ts';

/** @param plan of the image, for the network it describes and the servers it knows. */
export function targetsOfWishes(configuration: Configuration, plan: ArmedPlan | undefined): readonly CaptureTarget[] {
  return configuration.targets.map((wish) => targetOf(wish, configuration.path, plan));
}

function targetOf(wish: TargetWish, folder: string, plan: ArmedPlan | undefined): CaptureTarget {
  switch (wish.kind) {
    case 'filesystem':
      return {
        kind: 'filesystem',
        wish: `${wish.fsType} ${wish.device}`,
        device: wish.device,
        fsType: wish.fsType,
        options: wish.options ?? '',
        folder,
        layers: [],
      };
    case 'virtiofs':
      return { kind: 'filesystem', wish: `virtiofs ${wish.tag}`, device: wish.tag, fsType: 'virtiofs', options: '', folder, layers: [] };
    case 'raw':
      return { kind: 'raw', wish: `raw ${wish.device}`, device: wish.device, layers: [] };
    case 'root':
      return { kind: 'unsupported', wish: `path ${folder}`, why: 'the image holds no plan that says on which device this folder lies' };
    case 'nfs':
    case 'remote':
      if (plan?.network !== undefined) return onNetwork(wish, folder, plan);
      return { kind: 'unsupported', wish: nameTarget(wish), why: 'the image holds no plan that says how the network is put up' };
  }
}

function onNetwork(wish: TargetWish & { kind: 'nfs' | 'remote' }, folder: string, plan: ArmedPlan): NetworkTarget {
  const text = nameTarget(wish);
  if (wish.kind === 'nfs') {
    const { host, exported } = splitNfsSource(wish.source);
    return { kind: 'nfs', wish: text, host, addresses: addressesOf(host, plan), exported, options: wish.options ?? '', folder };
  }
  const named = namedTarget(wish.place, { path: folder });
  const known = plan.targets.find((target) => target.kind === 'remote' && target.credentials === named.credentials);
  const canRename = known?.kind === 'remote' && known.canRename;
  return { ...named, wish: text, addresses: addressesOf(hostOf(wish.place), plan), canRename };
}

/** Found out for another target on the same server, when the machine was armed; none: the name servers are asked. */
function addressesOf(host: string, plan: ArmedPlan): readonly string[] {
  if (isIP(host) !== 0) return [host];
  return (
    plan.targets.filter(isOnNetwork).find((target) => (target.kind === 'nfs' ? target.host : hostOf(target.place)) === host)?.addresses ??
    []
  );
}

function hostOf(place: RemotePlace): string {
  return place.kind === 's3' ? place.endpoint.replace(/^https?:\/\/\[?/, '').replace(/\]?(:\d+)?$/, '') : place.host;
}
