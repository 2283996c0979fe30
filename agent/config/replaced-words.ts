/** Words that are no directives, and what to write instead: removed from kdump.conf over the years, or not a kind of target. */

/** Word → what to do instead, as a sentence without full stop. */
export const replacedWords: Readonly<Record<string, string>> = {
  net: 'Write "nfs HOST:/EXPORT" or "ssh USER@HOST"',
  options: 'Options of a module go on the kernel\'s command line: "cmdline_append MODULE.OPTION=VALUE"',
  link_delay: 'Remove it: how long a target may take is bounded by device_timeout',
  disk_timeout: 'Write "device_timeout SECONDS"',
  debug_mem_level: 'Write "cmdline_append rd.memdebug=LEVEL" for an image by dracut; every capture logs its memory',
  blacklist: 'Write "cmdline_append module_blacklist=MODULE"',
  nfs4: 'Write "nfs HOST:/EXPORT": the version is found out',
  mount: 'Write the type of the file system first: "ext4 UUID=…"',
  http: 'Write "target http://HOST/FOLDER"',
  https: 'Write "target https://HOST/FOLDER"',
  s3: 'Write "target s3://BUCKET/PREFIX?region=REGION"',
  sftp: 'Write "target ssh://USER@HOST/FOLDER"',
  scp: 'Write "target ssh://USER@HOST/FOLDER"',
  url: 'Write "target URL"',
  ext: 'Write the type of the file system: ext2, ext3 or ext4',
  vfat: 'FAT cannot hold the names of the folders of dumps, nor files above 4 GiB: use ext4, xfs, btrfs or f2fs',
  exfat: 'exFAT cannot hold the names of the folders of dumps: use ext4, xfs, btrfs or f2fs',
  ntfs: 'Use ext4, xfs, btrfs or f2fs',
  zfs: 'A dump cannot be saved to ZFS: use ext4, xfs, btrfs or f2fs, or a raw device',
  cifs: 'A dump cannot be saved to a Windows share: use nfs, ssh, https or s3',
  smb: 'A dump cannot be saved to a Windows share: use nfs, ssh, https or s3',
  ftp: 'A dump cannot be sent by FTP: use nfs, ssh, https or s3',
  crashkernel: 'The reservation is a word on the running kernel\'s command line; "kcapture estimate" tells how large',
};

export function replacementFor(name: string): string | undefined {
  return Object.hasOwn(replacedWords, name) ? replacedWords[name] : undefined;
}

/** Words that kdump.conf had once. @source kdump.conf(5), deprecated options */
export const removedFromKdump = ['net', 'options', 'link_delay', 'disk_timeout', 'debug_mem_level', 'blacklist'] as const;
