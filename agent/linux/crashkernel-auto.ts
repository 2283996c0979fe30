/**
 * What distributions reserve by default: the tables behind `auto`, and those their installers write.
 *
 * @source RHEL 7/8 kernels, kernel/crash_core.c (`auto`); kdump-utils, kdump-lib.sh, kdump_get_arch_recommend_crashkernel(); Ubuntu's and Debian's
 *   kdump-tools packages
 */

/** `text` is what would stand behind `crashkernel=`. Machine names as in `uname -m`. */
export type CrashkernelDefault = { readonly name: string; readonly machines: readonly string[]; readonly text: string };

const autoTables: Readonly<Record<string, string>> = {
  x86_64: '1G-4G:160M,4G-64G:192M,64G-1T:256M,1T-:512M',
  aarch64: '2G-:448M',
  s390x: '4G-64G:160M,64G-1T:256M,1T-:512M',
  ppc64le: '2G-4G:384M,4G-16G:512M,16G-64G:1G,64G-128G:2G,128G-:4G',
};

/** What RHEL 8's kernels take `crashkernel=auto` for; `undefined` where it means nothing. Kernels of RHEL 9, Fedora and mainline do not know it. */
export function autoMeaning(machine: string): string | undefined {
  return autoTables[machine];
}

export const crashkernelDefaults: readonly CrashkernelDefault[] = [
  { name: 'Fedora and RHEL (kdump-utils, 2026)', machines: ['x86_64', 's390x'], text: '2G-64G:256M,64G-:512M' },
  { name: 'Fedora and RHEL, 4 KiB pages (kdump-utils, 2026)', machines: ['aarch64'], text: '2G-4G:256M,4G-64G:320M,64G-:576M' },
  { name: 'RHEL 9', machines: ['x86_64'], text: '1G-4G:192M,4G-64G:256M,64G-:512M' },
  {
    name: 'Ubuntu 24.10 and newer',
    machines: ['x86_64', 'aarch64', 's390x'],
    text: '2G-4G:320M,4G-32G:512M,32G-64G:1024M,64G-128G:2048M,128G-:4096M',
  },
  { name: 'Debian and older Ubuntu', machines: ['x86_64', 'aarch64'], text: '384M-:128M' },
];
