/**
 * What is mounted where, from `/proc/self/mountinfo`, and which file system holds a path.
 *
 * @source Documentation/filesystems/proc.rst, section 3.5.
 */
import type { System } from '../sys/system.ts';

export type Mount = {
  /** `major:minor`; a made-up one for btrfs, overlay and others. */
  readonly device: string;
  /** Folder inside the file system that is seen at `mountPoint`: `/`, or deeper for a bind mount or a btrfs subvolume. */
  readonly root: string;
  readonly mountPoint: string;
  readonly options: readonly string[];
  readonly fsType: string;
  /** As given to mount(2): `/dev/sda1`, `host:/export`, `tmpfs`. */
  readonly source: string;
  readonly superOptions: readonly string[];
};

/** Where a path lies, whether it exists yet or not. */
export type Place = {
  readonly mount: Mount;
  /** The path inside the file system, from its own root; absolute. */
  readonly folder: string;
};

/** In the order of mounting: of two mounts on one point the later one counts. */
export function readMounts({ files }: Pick<System, 'files'>): readonly Mount[] {
  const text = files.readTextIfThere('/proc/self/mountinfo') ?? '';
  return text.split('\n').flatMap((line) => parseMount(line) ?? []);
}

/** The file system that holds `path` now; `undefined` when mountinfo cannot be read. Links are followed as far as the path exists. */
export function findPlace(system: Pick<System, 'files'>, path: string): Place | undefined {
  const real = resolveExisting(system, path);
  const holding = readMounts(system).filter(({ mountPoint }) => isBelow(real, mountPoint));
  const longest = Math.max(...holding.map(({ mountPoint }) => mountPoint.length));
  const mount = holding.findLast(({ mountPoint }) => mountPoint.length === longest);
  return mount === undefined ? undefined : { mount, folder: joinPath(mount.root, real.slice(mount.mountPoint.length)) };
}

/** The btrfs subvolume a mount shows, e.g. `/@`; `undefined` for the top one and for other file systems. */
export function subvolumeOf({ fsType, superOptions }: Mount): string | undefined {
  if (fsType !== 'btrfs') return undefined;
  const name = superOptions.find((word) => word.startsWith('subvol='))?.slice('subvol='.length);
  return name === undefined || name === '/' ? undefined : name;
}

/** True when `path` is `folder` or lies in it. */
export function isBelow(path: string, folder: string): boolean {
  return folder === '/' || path === folder || path.startsWith(`${folder}/`);
}

/** Two absolute paths, one after the other, without doubled or trailing slashes. */
export function joinPath(first: string, second: string): string {
  const joined = `${first}/${second}`.replace(/\/+/g, '/').replace(/\/$/, '');
  return joined === '' ? '/' : joined;
}

function parseMount(line: string): Mount | undefined {
  const words = line.split(' ').map(unescapeOctal);
  const dash = words.indexOf('-', 6);
  if (dash < 0 || words.length < dash + 4) return undefined;
  return {
    device: words[2],
    root: words[3],
    mountPoint: words[4],
    options: words[5].split(','),
    fsType: words[dash + 1],
    source: words[dash + 2],
    superOptions: words[dash + 3].split(','),
  };
}

/** Space, tab, newline and backslash are written as `\040` and the like. */
function unescapeOctal(word: string): string {
  return word.replace(/\\([0-7]{3})/g, (_, digits: string) => String.fromCharCode(Number.parseInt(digits, 8)));
}

function resolveExisting({ files }: Pick<System, 'files'>, path: string): string {
  const parts = path.split('/').filter((part) => part !== '' && part !== '.');
  for (let count = parts.length; count > 0; count--) {
    const real = files.realPath(`/${parts.slice(0, count).join('/')}`);
    if (real !== undefined) return joinPath(real, parts.slice(count).join('/'));
  }
  return joinPath('/', parts.join('/'));
}
