/**
 * What an errno of kexec_file_load means here, and what to do: the same number stands for many things, so the circumstances decide.
 *
 * @source kernel/kexec_file.c; kernel/kexec_core.c, kexec_load_permitted(); arch/x86/kernel/kexec-bzimage64.c; arch/arm64/kernel/kexec_image.c;
 *   crypto/asymmetric_keys/verify_pefile.c; kexec_file_load(2). Measured on Linux 5.10, 6.1, 6.12 and 7.2.
 */
import { formatBytes } from '../../binary/units.ts';
import type { KernelImage } from '../../linux/kernel-image.ts';
import { demandsSignature, type Lockdown } from '../../linux/lockdown.ts';
import type { KexecState } from './kexec-state.ts';

export type Circumstances = {
  readonly state: KexecState;
  readonly lockdown: Lockdown;
  readonly image: KernelImage;
  /** As in `uname -m`. */
  readonly machine: string;
  readonly fiveLevel: boolean;
  readonly mayLoad: boolean;
  /** Largest piece of the reservation. */
  readonly regionBytes: number;
  /** What kernel and initramfs take together. */
  readonly neededBytes: number;
  /** CONFIG_KEXEC_SIG_FORCE of the running kernel. */
  readonly signatureForced: boolean;
};

export type Refusal = { readonly cause: string; readonly remedy: string };

type Row = {
  readonly errno: string;
  /** Undefined: whatever the circumstances. Rows are tried in order. */
  readonly when?: (about: Circumstances) => boolean;
  readonly cause: (about: Circumstances) => string;
  readonly remedy: string;
};

const enlarge = 'Reserve more: "kcapture estimate" says how much and which file to edit; then restart.';
const signedKernel = "Use the distribution's signed kernel, or sign this one with a key the machine trusts (MOK), or turn Secure Boot off.";
const enrol = 'Enrol the key that signed it (mokutil --import), use a kernel of this distribution, or turn Secure Boot off.';

const rows: readonly Row[] = [
  {
    errno: 'EPERM',
    when: ({ mayLoad }) => !mayLoad,
    cause: () => 'this process may not load kernels (CAP_SYS_BOOT is missing)',
    remedy: 'Run it as root; in a container that needs CAP_SYS_BOOT and the host has to agree.',
  },
  {
    errno: 'EPERM',
    when: ({ state }) => state.disabled,
    cause: () => 'loading kernels was forbidden until the next start (kernel.kexec_load_disabled=1)',
    remedy: 'Take the sysctl kernel.kexec_load_disabled out of /etc/sysctl.d or set it after kcapture.service has loaded, and restart.',
  },
  {
    errno: 'EPERM',
    when: ({ state }) => state.attemptsLeft === 0,
    cause: () => 'all attempts that kernel.kexec_load_limit_panic allows were used; failed ones count too',
    remedy: 'Allow more attempts (kernel.kexec_load_limit_panic) in /etc/sysctl.d and restart; the limit cannot be raised before.',
  },
  {
    errno: 'EPERM',
    when: ({ lockdown, image }) => demandsSignature(lockdown) && !image.signed,
    cause: ({ lockdown }) => `the kernel is locked down (${lockdown.state}) and this kernel file carries no signature`,
    remedy: signedKernel,
  },
  {
    errno: 'EPERM',
    when: ({ lockdown }) => demandsSignature(lockdown) && lockdown.secureBoot !== true,
    cause: ({ lockdown }) =>
      `the kernel is locked down (${lockdown.state}) and does not trust the signature of this kernel file; without Secure Boot it knows none of the firmware's keys`,
    remedy: 'Turn Secure Boot on, use a kernel whose key is built into the running one, or start it without lockdown.',
  },
  {
    errno: 'EPERM',
    when: ({ lockdown }) => demandsSignature(lockdown),
    cause: ({ lockdown }) => `the kernel is locked down (${lockdown.state}) and does not trust the signature of this kernel file`,
    remedy: enrol,
  },
  {
    errno: 'EPERM',
    cause: () => 'a security module or a container forbids it',
    remedy: 'Look at "dmesg" and at the log of SELinux or AppArmor for the refusal.',
  },
  {
    errno: 'EBUSY',
    cause: () => 'another program loads a kernel or changes the reservation at this moment',
    remedy: 'Try again in a few seconds; look for another kdump service (kdump.service, kdump-tools.service) and disable one of the two.',
  },
  {
    errno: 'EADDRNOTAVAIL',
    when: ({ regionBytes }) => regionBytes === 0,
    cause: () => 'no memory is reserved for a capture kernel',
    remedy: 'Add a crashkernel= word to the kernel command line: "kcapture estimate" says which and where; then restart.',
  },
  {
    errno: 'EADDRNOTAVAIL',
    cause: ({ regionBytes, neededBytes }) =>
      `the reservation of ${formatBytes(regionBytes)} has no room for kernel and image, which take ${formatBytes(neededBytes)} at least`,
    remedy: enlarge,
  },
  {
    errno: 'ENOMEM',
    when: ({ regionBytes, neededBytes }) => neededBytes > regionBytes * 0.9,
    cause: ({ regionBytes, neededBytes }) =>
      `there is no room left in the reservation of ${formatBytes(regionBytes)}: kernel and image take ${formatBytes(neededBytes)} at least`,
    remedy: enlarge,
  },
  {
    errno: 'ENOMEM',
    cause: () => 'the running kernel has no memory free to read the two files',
    remedy: 'Free memory (both files are held in memory for a moment) and load again.',
  },
  {
    errno: 'ENOEXEC',
    when: ({ fiveLevel, image }) => fiveLevel && image.fiveLevel === false,
    cause: () => 'this machine runs with 5-level page tables and the capture kernel cannot (CONFIG_X86_5LEVEL)',
    remedy: 'Use the running kernel as the capture kernel, or start the machine with no5lvl.',
  },
  {
    errno: 'ENOEXEC',
    cause: ({ image }) => `the running kernel cannot load ${image.what}`,
    remedy: 'Name a bzImage (x86_64) or an uncompressed Image (aarch64) with --kernel FILE.',
  },
  {
    errno: 'EINVAL',
    when: ({ regionBytes }) => regionBytes === 0,
    cause: () => 'no memory is reserved for a capture kernel',
    remedy: 'Add a crashkernel= word to the kernel command line: "kcapture estimate" says which and where; then restart.',
  },
  {
    errno: 'EINVAL',
    when: ({ machine, image }) => machine === 'aarch64' && image.kind !== 'arm64',
    cause: ({ image }) => `the running kernel cannot load ${image.what}`,
    remedy: 'Name an uncompressed arm64 Image with --kernel FILE.',
  },
  {
    errno: 'EINVAL',
    when: ({ machine }) => machine === 'aarch64',
    cause: () => 'the CPU does not support the page size or byte order this kernel was built for, or the file is damaged',
    remedy: 'Use the running kernel as the capture kernel, or install its package again.',
  },
  {
    errno: 'EINVAL',
    cause: () => 'the command line is too long for this kernel, one of the files is empty, or the kernel file is damaged',
    remedy: 'Shorten the command line (cmdline_remove) and install the kernel package again; "dmesg" may name the one.',
  },
  {
    errno: 'EKEYREJECTED',
    when: ({ image }) => !image.signed,
    cause: ({ signatureForced }) =>
      signatureForced
        ? 'this kernel loads signed kernels only (CONFIG_KEXEC_SIG_FORCE) and the file is not signed'
        : 'the kernel file is not signed',
    remedy: signedKernel,
  },
  {
    errno: 'EKEYREJECTED',
    cause: () => 'the signature does not fit the file, or this kernel cannot check signatures of such files',
    remedy: 'Install the kernel package again: the file was changed after it was signed.',
  },
  { errno: 'ENODATA', cause: () => 'the kernel file is not signed, and this kernel demands it', remedy: signedKernel },
  { errno: 'ENOKEY', cause: () => 'the kernel file is signed with a key this machine does not trust', remedy: enrol },
  { errno: 'EKEYEXPIRED', cause: () => 'the key that signed the kernel file has expired', remedy: enrol },
  {
    errno: 'EKEYREVOKED',
    cause: () => 'the key that signed the kernel file was revoked',
    remedy: 'Install a newer kernel package, signed with a current key.',
  },
  {
    errno: 'ENOPKG',
    cause: () => 'the signature uses an algorithm this kernel was built without',
    remedy: 'Use a kernel of the same distribution as the running one.',
  },
  { errno: 'ELIBBAD', cause: () => 'the headers of the kernel file are damaged', remedy: 'Install the kernel package again.' },
  { errno: 'EBADMSG', cause: () => 'the signature of the kernel file is damaged', remedy: 'Install the kernel package again.' },
  {
    errno: 'EOPNOTSUPP',
    cause: () => 'the running kernel cannot load capture kernels this way (aarch64 before Linux 5.0)',
    remedy: 'Use a newer kernel.',
  },
  {
    errno: 'ENOSYS',
    cause: () => 'the running kernel has no kexec_file_load (CONFIG_KEXEC_FILE)',
    remedy: 'Use a kernel that was built with CONFIG_KEXEC_FILE.',
  },
  {
    errno: 'EFBIG',
    cause: () => 'the kernel or the image has more than 4 GiB',
    remedy: 'Make the image smaller: look at the extra files and modules in the configuration.',
  },
  {
    errno: 'EACCES',
    cause: () => 'a security policy (IMA, SELinux) does not allow these files to be loaded',
    remedy: 'Look at "dmesg" and "journalctl -t audit" for the policy that refused.',
  },
  {
    errno: 'ETXTBSY',
    cause: () => 'a program is writing to the kernel or image file',
    remedy: 'Wait until it has finished and load again.',
  },
  { errno: 'EIO', cause: () => 'one of the two files cannot be read', remedy: 'Look at "dmesg" for errors of the disk.' },
];

/** Cause as a clause without a capital, remedy as a sentence. An errno nobody has seen yet is said to be that. */
export function explainRefusal(errno: string, about: Circumstances): Refusal {
  const row = rows.find((candidate) => candidate.errno === errno && (candidate.when?.(about) ?? true));
  if (row === undefined) return { cause: 'for a reason that is not documented', remedy: 'Look at the last lines of "dmesg".' };
  return { cause: row.cause(about), remedy: row.remedy };
}
