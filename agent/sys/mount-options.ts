/** Mount options as fstab has them, split into what mount(2) takes as flags and what the file system gets as text. */

export type MountOptions = { readonly flags: number; readonly data: string };

/** @source linux/mount.h */
export const mountFlags = { readOnly: 1, remount: 32, bind: 4096, recursive: 16384 } as const;

/** Word → bits it sets, bits it clears. @source linux/mount.h, mount(8) */
const flagWords: Readonly<Record<string, readonly [set: number, clear: number]>> = {
  ro: [1, 0],
  rw: [0, 1],
  nosuid: [2, 0],
  suid: [0, 2],
  nodev: [4, 0],
  dev: [0, 4],
  noexec: [8, 0],
  exec: [0, 8],
  sync: [16, 0],
  async: [0, 16],
  remount: [32, 0],
  mand: [64, 0],
  nomand: [0, 64],
  dirsync: [128, 0],
  nosymfollow: [256, 0],
  symfollow: [0, 256],
  noatime: [1024, 0],
  atime: [0, 1024],
  nodiratime: [2048, 0],
  diratime: [0, 2048],
  bind: [4096, 0],
  rbind: [4096 | 16384, 0],
  rec: [16384, 0],
  silent: [32768, 0],
  loud: [0, 32768],
  relatime: [2 ** 21, 0],
  norelatime: [0, 2 ** 21],
  iversion: [2 ** 23, 0],
  noiversion: [0, 2 ** 23],
  strictatime: [2 ** 24, 0],
  nostrictatime: [0, 2 ** 24],
  lazytime: [2 ** 25, 0],
  nolazytime: [0, 2 ** 25],
};

/** Words for mount(8), fsck and systemd, which no file system knows. */
const otherReaders =
  /^(defaults|auto|noauto|nofail|user|nouser|users|owner|noowner|group|nogroup|_netdev|_rnetdev|comment=.*|x-.*|X-.*|uhelper=.*|helper=.*)$/;

/** Later words win over earlier ones. A comma inside double quotes does not end an option. */
export function parseMountOptions(text: string): MountOptions {
  let flags = 0;
  const data: string[] = [];
  for (const word of text.match(/(?:[^,"]|"[^"]*"?)+/g) ?? []) {
    const known = Object.hasOwn(flagWords, word) ? flagWords[word] : undefined;
    if (known !== undefined) flags = (flags | known[0]) & ~known[1];
    else if (!otherReaders.test(word)) data.push(word);
  }
  return { flags, data: data.join(',') };
}
