/** Targets when the image holds no plan: what the configuration names by itself is tried, the rest says why it cannot be. */
import type { Configuration, TargetWish } from '../config/configuration.ts';
import { formatTarget } from '../config/target-wish.ts';
import type { CaptureTarget } from '../target/open-target.ts';
import { namedTarget } from '../target/remote/named-target.ts';

export function targetsOfWishes(configuration: Configuration): readonly CaptureTarget[] {
  return configuration.targets.map((wish) => targetOf(wish, configuration.path));
}

function targetOf(wish: TargetWish, folder: string): CaptureTarget {
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
      return {
        kind: 'unsupported',
        wish: `nfs ${wish.source}`,
        why: 'targets in the network cannot be reached from the capture kernel yet',
      };
    case 'remote':
      return { ...namedTarget(wish.place, { path: folder }), wish: formatTarget(wish) };
  }
}
