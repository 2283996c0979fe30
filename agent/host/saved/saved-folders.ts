/** Where the configured targets keep their captures, as far as that can be reached from the running system. */
import type { Configuration, TargetWish } from '../../config/configuration.ts';
import { nameTarget } from '../../config/target-wish.ts';
import { redact } from '../../config/redact.ts';
import type { System } from '../../sys/system.ts';
import { readHostConfiguration } from '../host-configuration.ts';
import { findTargetPlace } from '../target-place.ts';

export type SavedFolders = {
  /** Absolute paths, in the order of the targets. */
  readonly folders: readonly string[];
  readonly unreachable: readonly { readonly target: string; readonly why: string }[];
};

export function savedFolders(system: Pick<System, 'files'>): SavedFolders {
  const { configuration } = readHostConfiguration(system);
  const found = configuration.targets.map((wish) => ({ target: redact(nameTarget(wish)), ...locate(system, wish, configuration) }));
  const folders = found.flatMap(({ folder }) => folder ?? []);
  return {
    folders: [...new Set(folders)],
    unreachable: found.flatMap(({ target, why }) => (why === undefined ? [] : [{ target, why }])),
  };
}

function locate(system: Pick<System, 'files'>, wish: TargetWish, { path }: Configuration): { folder?: string; why?: string } {
  if (wish.kind === 'root') return { folder: path };
  if (wish.kind === 'raw') return { why: 'a raw device holds a capture until the next boot recovers it' };
  if (wish.kind !== 'filesystem') return { why: 'what lies on another machine is not listed' };
  const { device, fsType, options = '' } = wish;
  const place = findTargetPlace(system, { kind: 'filesystem', wish: device, device, fsType, options, folder: path, layers: [] });
  if (place.node === undefined) return { why: 'the device is not there' };
  return place.folder === undefined ? { why: `${place.node} is not mounted` } : { folder: place.folder };
}
