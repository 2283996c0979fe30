/** Which parts a system has that files of ours belong to. */
import type { Files } from '../../sys/files-interface.ts';
import type { SystemPart } from '../shipped-files.ts';

/** Part → paths any of which proves that it is there. */
const signs: Readonly<Record<SystemPart, readonly string[]>> = {
  systemd: ['/usr/lib/systemd/systemd', '/lib/systemd/systemd'],
  udev: ['/usr/lib/udev/rules.d', '/lib/udev/rules.d'],
  'kernel-install': ['/usr/bin/kernel-install', '/bin/kernel-install', '/usr/lib/kernel/install.d'],
  pacman: ['/usr/share/libalpm/hooks'],
  'debian-kernels': ['/etc/kernel/postrm.d'],
  dracut: ['/usr/lib/dracut/modules.d'],
  mkinitcpio: ['/usr/bin/mkinitcpio', '/usr/sbin/mkinitcpio', '/usr/lib/initcpio/functions'],
};

/** @param files of the system that is asked about, which need not be the running one. */
export function systemParts(files: Pick<Files, 'status'>): ReadonlySet<SystemPart> {
  const parts = Object.keys(signs) as SystemPart[];
  return new Set(parts.filter((part) => signs[part].some((path) => files.status(path) !== undefined)));
}
