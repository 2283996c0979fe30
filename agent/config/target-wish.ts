/** Lines that say where a dump goes, each kind of target with its own way of naming a place. */
import { badValue } from './config-error.ts';
import type { TargetWish } from './configuration.ts';
import { checkDevice } from './device-name.ts';
import { quote } from './problem.ts';
import type { SshPlace } from './remote-place.ts';
import { readOne } from './values.ts';
import { joinWords, splitWords } from './words.ts';

/** File systems on block devices that a dump can be saved to. */
export const diskFileSystems = ['ext2', 'ext3', 'ext4', 'xfs', 'btrfs', 'f2fs', 'minix'] as const;
export const targetKinds = [...diskFileSystems, 'nfs', 'ssh', 'raw', 'virtiofs'] as const;
export type TargetKind = (typeof targetKinds)[number];

/**
 * @param value as written, with its quotes
 * @throws ConfigError `config/value`
 */
export function readTarget(kind: TargetKind, value: string, line: number): TargetWish {
  switch (kind) {
    case 'nfs':
      return { kind, source: checkNfsSource(readOne(value, 'export')), options: undefined, line };
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

/** `rw,subvol=/@crash`: what mount takes behind `-o`. */
export function checkMountOptions(options: string): string {
  if (/^[^\s,-][^\s]*$/.test(options) && !options.includes(',,')) return options;
  throw badValue(
    `Cannot use ${quote(options)} as mount options: expected words parted by commas`,
    'Write for instance noatime,subvol=/@crash',
  );
}

function checkNfsSource(source: string): string {
  if (/^(\[[0-9A-Fa-f:.]+(%[\w.-]+)?\]|[A-Za-z0-9_][\w.-]*):\/[^\s]*$/.test(source)) return source;
  const [, host, path] = source.match(/^([0-9A-Fa-f:.]*:[0-9A-Fa-f:.]*):(\/.*)$/) ?? [];
  const hint =
    host === undefined ? 'Write for instance nfs my.server.com:/export/crash' : `An IPv6 address needs brackets: [${host}]:${path}`;
  throw badValue(`Cannot use ${quote(source)} as an NFS export: expected HOST:/PATH`, hint);
}

/** Neither part may begin with `-`: a program would take it for an option. */
function readSshDestination(destination: string): SshPlace {
  if (/^[A-Za-z0-9_][\w.-]*@[A-Za-z0-9_[][\w.:%[\]-]*$/.test(destination) && !/@[^:]+:\d*$/.test(destination)) {
    const [user, host] = destination.split('@');
    return { kind: 'ssh', user, host: host.replace(/^\[(.*)\]$/, '$1'), port: 22, path: undefined };
  }
  const hint = destination.includes('@') ? 'Neither a port nor a path can stand here' : 'Say who logs in: ssh user@my.server.com';
  throw badValue(`Cannot use ${quote(destination)} as an ssh destination: expected USER@HOST`, hint);
}

/** Why a target in the network cannot take a dump. */
export const noNetwork = 'the network is not brought up in the capture kernel';

export function needsNetwork({ kind }: TargetWish): boolean {
  return kind === 'nfs' || kind === 'remote';
}

/** One target in words, for people: `ext4 UUID=…`. `root`: the file system that holds the folder. */
export function formatTarget(target: TargetWish): string {
  switch (target.kind) {
    case 'root':
      return 'root';
    case 'filesystem':
      return `${target.fsType} ${joinWords(target.options === undefined ? [target.device] : [target.device, target.options])}`;
    case 'raw':
      return `raw ${joinWords([target.device])}`;
    case 'nfs':
      return `nfs ${joinWords([target.source])}`;
    case 'remote':
      return target.place.kind === 'ssh' ? `ssh ${target.place.user}@${target.place.host}` : target.place.kind;
    case 'virtiofs':
      return `virtiofs ${joinWords([target.tag])}`;
  }
}
