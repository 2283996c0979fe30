/** Lines that say where a dump goes, each kind of target with its own way of naming a place. */
import { badValue } from './config-error.ts';
import type { TargetWish } from './configuration.ts';
import { checkDevice } from './device-name.ts';
import { checkMountOptions } from './mount-words.ts';
import { readNfs } from './nfs-source.ts';
import { quote } from './problem.ts';
import type { RemotePlace } from './remote-place.ts';
import { formatRemoteUrl, looksLikeUrl, parseRemoteUrl, remoteSchemes } from './remote-url.ts';
import { formatSshDestination, readSshDestination } from './ssh-destination.ts';
import { readOne } from './values.ts';
import { joinWords, splitWords } from './words.ts';

/** File systems on block devices that a dump can be saved to. */
export const diskFileSystems = ['ext2', 'ext3', 'ext4', 'xfs', 'btrfs', 'f2fs', 'minix'] as const;
export const targetKinds = [...diskFileSystems, 'target', 'nfs', 'ssh', 'raw', 'virtiofs'] as const;
export type TargetKind = (typeof targetKinds)[number];

/**
 * @param value as written, with its quotes
 * @throws ConfigError `config/value`
 */
export function readTarget(kind: TargetKind, value: string, line: number): TargetWish {
  switch (kind) {
    case 'target':
      return readUrl(splitWords(value), line);
    case 'nfs':
      return readNfs(splitWords(value), line);
    case 'ssh':
      return { kind: 'remote', place: readSshDestination(readOne(value, 'destination')), line };
    case 'raw':
      return { kind, device: checkDevice(readOne(value, 'device')), line };
    case 'virtiofs':
      return { kind, tag: readOne(value, 'tag'), line };
    default:
      return readDisk(kind, splitWords(value), line);
  }
}

function readDisk(fsType: string, [device, options, ...more]: string[], line: number): TargetWish {
  if (device === undefined) throw badValue(`Cannot use an empty value for ${fsType}: expected a device`);
  if (more.length > 0) throw badValue(`Cannot use ${quote(more[0])}: expected a device and at most one word of mount options behind it`);
  return { kind: 'filesystem', fsType, device: checkDevice(device), options: options && checkMountOptions(options), line };
}

/** `ssh://…`, `https://…`, `s3://…`, or `nfs://…` with options of mount behind it. */
function readUrl([url, ...options]: readonly string[], line: number): TargetWish {
  if (url === undefined) throw badValue('Cannot use an empty value for target: expected a URL');
  if (/^nfs:/i.test(url)) return readNfs([url, ...options], line);
  if (options.length > 0) throw badValue('Cannot use what stands behind the URL: expected nothing');
  if (looksLikeUrl(url)) return { kind: 'remote', place: parseRemoteUrl(url), line };
  const hint = /^(UUID|LABEL|PARTUUID|PARTLABEL)=|^\/dev\//.test(url)
    ? 'A disk is named by its file system: ext4 UUID=…'
    : `Write one that begins with ${[...remoteSchemes, 'nfs'].map((scheme) => `${scheme}://`).join(', ')}`;
  throw badValue('Cannot use this as a target: expected a URL', hint);
}

export function needsNetwork({ kind }: TargetWish): boolean {
  return kind === 'nfs' || kind === 'remote';
}

/** One target in words, for people: `ext4 UUID=…`, `ssh://…`. */
export function nameTarget(target: TargetWish): string {
  return target.kind === 'remote' ? formatTarget(target).replace(/^target /, '') : formatTarget(target);
}

/** One target as its line in the configuration. `root`: the file system that holds the folder. */
export function formatTarget(target: TargetWish): string {
  switch (target.kind) {
    case 'root':
      return 'root';
    case 'filesystem':
      return `${target.fsType} ${joinWords(target.options === undefined ? [target.device] : [target.device, target.options])}`;
    case 'raw':
      return `raw ${joinWords([target.device])}`;
    case 'nfs':
      return `nfs ${joinWords(target.options === undefined ? [target.source] : [target.source, target.options])}`;
    case 'remote':
      return formatRemote(target.place);
    case 'virtiofs':
      return `virtiofs ${joinWords([target.tag])}`;
  }
}

function formatRemote(place: RemotePlace): string {
  const destination = place.kind === 'ssh' ? formatSshDestination(place) : undefined;
  return destination === undefined ? `target ${joinWords([formatRemoteUrl(place)])}` : `ssh ${destination}`;
}
