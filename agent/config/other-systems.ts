/**
 * How to say in kcapture what other kdump systems call by other names: for the reference, and for the one who brings such a line along.
 *
 * @source facts §1.1–1.5 (Fedora's kdump-utils, SUSE's kdump, Debian's kdump-tools, kdumpst)
 */

export type OtherSystem = 'Fedora' | 'SUSE' | 'Debian' | 'kdumpst';
/** A variable, and how the same is said here; a `-` in front: it cannot be said, and why. */
export type Saying = readonly [variable: string, here: string];

const fedora: readonly Saying[] = [
  ['KDUMP_KERNELVER', '`kernel RELEASE`'],
  ['KDUMP_COMMANDLINE', '`cmdline WORDS`'],
  ['KDUMP_COMMANDLINE_REMOVE', '`cmdline_remove NAMES`, besides what is always removed'],
  ['KDUMP_COMMANDLINE_APPEND', '`cmdline_append WORDS`, besides what is always added'],
  ['FADUMP_COMMANDLINE_APPEND', '- firmware-assisted dump (ppc64) is not supported'],
  ['KEXEC_ARGS', '- no kexec program: the kernel is loaded by kexec_file_load'],
  ['KDUMP_BOOTDIR', '`kernel FILE`'],
  ['KDUMP_IMG', '`kernel FILE`'],
  ['KDUMP_IMG_EXT', '`kernel FILE`'],
  ['VMCORE_CREATION_NOTIFICATION', '- `kcapture status` says whether a test was made, at any time'],
  ['KDUMP_STDLOGLVL', '- `kcapture.log` beside each dump holds everything'],
  ['KDUMP_SYSLOGLVL', '- as KDUMP_STDLOGLVL'],
  ['KDUMP_KMSGLOGLVL', '- as KDUMP_STDLOGLVL'],
];

const suse: readonly Saying[] = [
  ['KDUMP_CRASHKERNEL', '- `kcapture estimate` computes it, `kcapture estimate --apply` writes it'],
  ['KDUMP_UPDATE_BOOTLOADER', '- only when told to: `kcapture estimate --apply`'],
  ['KDUMP_KERNELVER', '`kernel RELEASE` or `kernel FILE`'],
  ['KDUMP_CPUS', '`cmdline_append nr_cpus=N` and `threads N`'],
  ['KDUMP_COMMANDLINE', '`cmdline WORDS`'],
  ['KDUMP_COMMANDLINE_APPEND', '`cmdline_append WORDS`'],
  ['KDUMP_AUTO_RESIZE', '- `kcapture estimate` says how much too large the reservation is'],
  ['KDUMP_FADUMP', '- firmware-assisted dump (ppc64) is not supported'],
  ['KDUMP_FADUMP_SHELL', '- as KDUMP_FADUMP'],
  ['FADUMP_COMMANDLINE_APPEND', '- as KDUMP_FADUMP'],
  ['KEXEC_OPTIONS', '- no kexec program: the kernel is loaded by kexec_file_load'],
  ['MAKEDUMPFILE_OPTIONS', '`core_collector makedumpfile OPTIONS`'],
  ['KDUMP_IMMEDIATE_REBOOT', '`final_action reboot`; false: `final_action halt`'],
  ['KDUMP_TRANSFER', '`core_collector PROGRAM`'],
  ['KDUMP_SAVEDIR', '`path FOLDER`; `target URL` for its ssh, sftp and nfs URLs; ftp and cifs cannot be said'],
  ['KDUMP_KEEP_OLD_DUMPS', '`keep N+1`: the new dump counts, and old ones go only after it is safe; 0: `keep all`; -1: `keep 1`'],
  ['KDUMP_FREE_DISK_SIZE', '`min_free 64M`, heeded while writing'],
  ['KDUMP_VERBOSE', '- `kcapture.log` beside each dump holds everything'],
  ['KDUMP_DUMPLEVEL', '`level N`'],
  [
    'KDUMP_DUMPFORMAT',
    '`compress zlib` (compressed), `lzo`, `snappy`, `zstd`; ELF: `core_collector kcapture dump -E`; none: `dmesg_only_below always`; raw: `core_collector cp`',
  ],
  ['KDUMP_CONTINUE_ON_ERROR', '`failure_action reboot`; false: `failure_action shell`'],
  ['KDUMP_REQUIRED_PROGRAMS', '`extra_bins FILES`'],
  ['KDUMP_PRESCRIPT', '`kdump_pre FILE`'],
  ['KDUMP_POSTSCRIPT', '`kdump_post FILE`'],
  ['KDUMP_NETCONFIG', '- the way to each target is read from the running network when the machine is armed'],
  ['KDUMP_NET_TIMEOUT', '`retry_limit DURATION`'],
  ['KDUMP_SMTP_SERVER', '- no mail: `notify URL` tells a web hook, also after the reboot'],
  ['KDUMP_SMTP_USER', '- as KDUMP_SMTP_SERVER'],
  ['KDUMP_SMTP_PASSWORD', '- as KDUMP_SMTP_SERVER'],
  ['KDUMP_SMTP_TIMEOUT', '- as KDUMP_SMTP_SERVER'],
  ['KDUMP_NOTIFICATION_TO', '- as KDUMP_SMTP_SERVER'],
  ['KDUMP_NOTIFICATION_CC', '- as KDUMP_SMTP_SERVER'],
  ['KDUMP_HOST_KEY', '- `kcapture target add URL` asks for it once and pins it'],
  ['KDUMP_SSH_IDENTITY', '`sshkey FILE`'],
  ['KDUMPTOOL_FLAGS', '- obsolete there too'],
  ['KDUMP_COPY_KERNEL', '- obsolete there too'],
  ['KDUMP_CONF', '- internal there'],
];

const debian: readonly Saying[] = [
  ['USE_KDUMP', '- `kcapture install` and `kcapture install --uninstall`'],
  ['KDUMP_KERNEL', '`kernel FILE`'],
  ['KDUMP_INITRD', '- `/var/lib/kcapture/kcapture-RELEASE.img`; `generator` says what makes it'],
  ['KDUMP_COREDIR', '`path FOLDER`'],
  ['KDUMP_FAIL_CMD', '`failure_action reboot|halt|poweroff|shell|dump_to_rootfs`'],
  ['KDUMP_DUMP_DMESG', '- always, and first'],
  ['KDUMP_NUM_DUMPS', '`keep N`; 0: `keep all`'],
  ['KDUMP_COMPRESSION', '- pages are compressed one by one (`compress`), so that readers need not unpack the whole'],
  ['MAKEDUMP_ARGS', '`core_collector makedumpfile OPTIONS`'],
  ['KDUMP_KEXEC_ARGS', '- no kexec program: the kernel is loaded by kexec_file_load'],
  ['KDUMP_CMDLINE', '`cmdline WORDS`'],
  ['KDUMP_CMDLINE_APPEND', '`cmdline_append WORDS`'],
  ['DEBUG_KERNEL', '- not needed: the kernel describes itself by VMCOREINFO'],
  ['HOSTTAG', '- folders are named for the host'],
  ['NFS', '`nfs HOST:/EXPORT`'],
  ['NFS_TIMEO', '`nfs HOST:/EXPORT timeo=N`, up to half a minute'],
  ['NFS_RETRANS', '- always 2, or fewer: `nfs HOST:/EXPORT retrans=1`'],
  ['NFS_MOUNT_RETRY', '`device_timeout DURATION`'],
  ['SSH', '`ssh USER@HOST`'],
  ['SSH_KEY', '`sshkey FILE`'],
  ['SSH_KDUMP_RETRY', '`retry_limit DURATION`'],
  ['FTP', '- no FTP: `target URL` for ssh, https and s3'],
  ['FTP_USER', '- as FTP'],
  ['FTP_PASSWORD', '- as FTP'],
  ['FTP_PORT', '- as FTP'],
  ['KDUMP_SYSCTL', '- `kcapture install --panic-on=oops,…`'],
];

const kdumpst: readonly Saying[] = [
  ['USE_PSTORE_RAM', '- a dump is always made; breadcrumbs go to pstore where there is one'],
  ['PSTORE_MEM_AMOUNT', '- as USE_PSTORE_RAM'],
  ['PSTORE_RECORD_SZ', '- as USE_PSTORE_RAM'],
  ['MOUNT_FOLDER', '`path FOLDER`'],
  ['MOUNT_DEVNODE', '`ext4 DEVICE`, or the type it is of'],
  ['KDUMP_FOLDER', '`path FOLDER`'],
  ['KDUMP_MNT', '- mounted where nobody needs to know'],
  ['FULL_COREDUMP', '1 is the rule; 0: `dmesg_only_below always`'],
  ['MAKEDUMPFILE_COREDUMP_CMD', '`core_collector makedumpfile OPTIONS`'],
  ['MAKEDUMPFILE_DMESG_CMD', '- the log is always saved, and first'],
  ['KDUMP_APPEND_CMDLINE', '`cmdline_append WORDS`'],
  ['GRUB_AUTOSET', '- only when told to: `kcapture estimate --apply`'],
  ['GRUB_BOOT_FILE', '- as GRUB_AUTOSET'],
  ['GRUB_CFG_FILE', '- as GRUB_AUTOSET'],
  ['GRUB_CMDLINE', '- `kcapture estimate` computes the reservation'],
  ['LOG_SUBMISSION', '`notify URL`'],
];

export const otherSystems: Readonly<Record<OtherSystem, { readonly file: string; readonly sayings: readonly Saying[] }>> = {
  Fedora: { file: '/etc/sysconfig/kdump', sayings: fedora },
  SUSE: { file: '/etc/sysconfig/kdump', sayings: suse },
  Debian: { file: '/etc/default/kdump-tools', sayings: debian },
  kdumpst: { file: '/usr/share/kdumpst.d/*.conf', sayings: kdumpst },
};

/** What to write instead of another system's variable. */
export function foreignHint(variable: string): string | undefined {
  for (const [system, { sayings }] of Object.entries(otherSystems)) {
    const here = resolve(sayings, variable);
    if (here !== undefined) return `${variable} is a word of ${system}'s; here: ${here.replace(/`/g, '"').replace(/^- /, '')}`;
  }
  return undefined;
}

/** Follows `- as OTHER`. */
function resolve(sayings: readonly Saying[], variable: string): string | undefined {
  const here = sayings.find(([name]) => name === variable)?.[1];
  const [, other] = here?.match(/^- as (\w+)$/) ?? [];
  return other === undefined
    ? here
    : resolve(
        sayings.filter(([name]) => name !== variable),
        other,
      );
}
