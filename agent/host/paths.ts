/** Where kcapture keeps things on the healthy machine. */

export const hostPaths = {
  /** First one that is there counts. */
  configurations: ['/etc/kcapture.conf', '/etc/kdump.conf'],
  state: '/var/lib/kcapture',
  /** What `load` loaded: JSON. */
  loaded: '/var/lib/kcapture/loaded.json',
  /** What `install` wrote: JSON. */
  installed: '/var/lib/kcapture/installed.json',
  /** What `estimate --apply` writes for GRUB. */
  grubDropIn: '/etc/default/grub.d/kcapture.cfg',
  /** Scripts and generator hooks that `install` writes. */
  library: '/usr/lib/kcapture',
} as const;

export function imagePath(release: string): string {
  return `${hostPaths.state}/kcapture-${release}.img`;
}

/** @param executableHash SHA-256 of the executable, hexadecimal */
export function payloadPath(executableHash: string): string {
  return `${hostPaths.state}/payload-${executableHash.slice(0, 16)}.squashfs`;
}

/** The plan in the image of that release: written when the image is finished, so that nobody need unpack it. */
export function planPath(release: string): string {
  return `${hostPaths.state}/kcapture-${release}.json`;
}

/** Files that had to be made for an image, until the next one of that release is made. */
export function stagingFolder(release: string): string {
  return `${hostPaths.state}/staging-${release}`;
}
