/**
 * A Debian 12 system as a folder: what debootstrap installs, without what nobody reads.
 *
 * Comes in: the list of packages. Goes out: a folder of the cache, made once for each list.
 */
import { globSync, mkdirSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { archiveAddress, archiveKeyring } from '../archive.ts';
import { cached, fingerprint } from '../cache.ts';
import { command } from '../command.ts';

const suite = 'bookworm';
const packages = [
  ...['systemd-sysv', 'udev', 'dbus', 'kmod', 'procps', 'iproute2', 'busybox-static'],
  ...['fdisk', 'e2fsprogs', 'xfsprogs', 'btrfs-progs', 'lvm2', 'cryptsetup-bin'],
  ...['dracut', 'squashfs-tools', 'cpio', 'zstd', 'xz-utils'],
] as const;
/** Documentation, other languages, and what apt needs to install more. */
const unneeded = [
  ...['usr/share/doc/*', 'usr/share/man/*', 'usr/share/info/*', 'usr/share/locale/*', 'usr/share/i18n/*'],
  ...[
    'var/cache/apt/*',
    'var/lib/apt/lists/*',
    'var/cache/debconf/*-old',
    'var/log/*',
    'usr/share/perl/*',
    'usr/lib/x86_64-linux-gnu/gconv/*',
  ],
];
const timeoutMs = 900_000;

/** The folder of the tree. Its files belong to root and must not be written to. */
export function debianTree(): string {
  return cached(`machine/debian-${fingerprint([], [suite, ...packages, ...unneeded])}`, makeTree);
}

/** debootstrap mounts /proc and /sys into the tree; in a mount namespace of its own, so that nothing stays behind. */
function makeTree(folder: string): void {
  mkdirSync(folder);
  command(
    [
      ...['unshare', '--mount', '--propagation', 'private', 'debootstrap', '--variant=minbase', `--keyring=${archiveKeyring}`],
      ...[`--include=${packages.join(',')}`, suite, folder, archiveAddress()],
    ],
    { timeoutMs, env: { DEBIAN_FRONTEND: 'noninteractive' } },
  );
  for (const path of globSync(unneeded.map((pattern) => join(folder, pattern)))) rmSync(path, { recursive: true, force: true });
  writeFileSync(join(folder, 'etc/hostname'), 'machine\n');
  writeFileSync(join(folder, 'etc/hosts'), '127.0.0.1 localhost machine\n');
  writeFileSync(join(folder, 'etc/machine-id'), '6d616368696e650000000000000000aa\n');
}
