/**
 * Finds the file of a kernel by its release, wherever distributions and boot loaders keep it.
 *
 * @source Debian, Fedora, SUSE, Arch and Gentoo packages; UAPI group "Boot Loader Specification" (`<machine-id>/<release>/linux`) and "Unified Kernel Image"
 *   (`EFI/Linux/*.efi`); ostree (`/boot/ostree/<os>-<hash>/vmlinuz-<release>`)
 */
import { join } from 'node:path';
import { KcaptureError } from '../../errors.ts';
import { lastValue, parseCommandLine } from '../../linux/command-line.ts';
import { identifyKernel, type KernelImage } from '../../linux/kernel-image.ts';
import type { System } from '../../sys/system.ts';
import { LoadError } from './load-error.ts';

export type FoundKernel = { readonly path: string; readonly image: KernelImage; readonly bytes: Uint8Array };

const espFolders = ['/boot', '/efi', '/boot/efi'] as const;
/** Names without a release in them, as Arch and hand-made installations have: taken when the release inside is the wanted one. */
const plainNames = [
  '/boot/vmlinuz-linux',
  '/boot/vmlinuz-linux-lts',
  '/boot/vmlinuz-linux-zen',
  '/boot/vmlinuz-linux-hardened',
  '/boot/vmlinuz',
  '/boot/Image',
  '/vmlinuz',
] as const;
/** A kernel file is some ten MB; a unified image with everything in it some hundred. */
const maxKernelFileBytes = 1024 ** 3;

/**
 * @param wish a release, a file (anything with a `/`), or `undefined` for the running kernel.
 * @throws LoadError `load/no-kernel` when no place has it, `load/kernel` when the named file cannot be used.
 */
export function findKernel(system: System, wish: string | undefined): FoundKernel {
  if (wish?.includes('/')) return openKernelFile(system, wish);
  const release = wish ?? system.kernel.utsname().release;
  const candidates = kernelPlaces(system, release);
  const faults: string[] = [];
  for (const path of candidates) {
    if (system.files.status(path)?.kind !== 'file') continue;
    try {
      const found = openKernelFile(system, path);
      if (found.image.release === release || (found.image.release === undefined && path.includes(release))) return found;
      faults.push(`"${path}" holds ${found.image.release ?? 'a kernel that does not tell its release'}`);
    } catch (error) {
      if (!(error instanceof KcaptureError)) throw error;
      faults.push(error.message);
    }
  }
  const looked =
    faults.length > 0 ? faults.join('; ') : `none of ${candidates.slice(0, 4).join(', ')} and ${candidates.length - 4} more places`;
  throw new LoadError('load/no-kernel', `Cannot find the kernel ${release}: ${looked}`, {
    hint: 'Install the kernel package, mount /boot, or name the file with --kernel FILE or with "kernel FILE" in the configuration.',
  });
}

/** @throws LoadError `load/no-kernel`, LinuxError `linux/kernel-image` */
function openKernelFile(system: System, path: string): FoundKernel {
  const status = system.files.status(path);
  const refuse = (found: string) => {
    const hint = 'Name a kernel file with --kernel FILE or --kernel RELEASE.';
    return new LoadError('load/no-kernel', `Cannot use "${path}" as a kernel: ${found}`, { where: path, hint });
  };
  if (status === undefined) throw refuse('there is no such file');
  if (status.kind !== 'file') throw refuse(`it is no regular file but a ${status.kind}`);
  if (status.sizeBytes > maxKernelFileBytes) throw refuse(`it has ${status.sizeBytes} bytes`);
  const bytes = system.files.readBytes(path);
  return { path, bytes, image: identifyKernel(bytes, path) };
}

/** Where a kernel of this release may be, the likeliest first. */
export function kernelPlaces(system: System, release: string): readonly string[] {
  const machineId = system.files.readTextIfThere('/etc/machine-id')?.trim() ?? '';
  const entryToken = system.files.readTextIfThere('/etc/kernel/entry-token')?.trim() ?? '';
  const tokens = [machineId, entryToken].filter((token) => /^[\w.-]+$/.test(token));
  const places = [
    `/boot/vmlinuz-${release}`,
    `/lib/modules/${release}/vmlinuz`,
    `/usr/lib/modules/${release}/vmlinuz`,
    `/boot/Image-${release}`,
    `/boot/kernel-${release}`,
    `/boot/vmlinux-${release}`,
    ...bootedKernel(system),
    ...system.files.list('/boot/ostree').map((name) => `/boot/ostree/${name}/vmlinuz-${release}`),
    `/usr/lib/ostree-boot/vmlinuz-${release}`,
    ...espFolders.flatMap((folder) => tokens.map((token) => join(folder, token, release, 'linux'))),
    ...espFolders.flatMap((folder) => unifiedImages(system, join(folder, 'EFI/Linux'), release)),
    `/usr/lib/modules/${release}/vmlinuz.efi`,
    `/lib/modules/${release}/vmlinuz.efi`,
    ...plainNames,
  ];
  return [...new Set(places)];
}

/** What the boot loader says it started, without GRUB's device in front: `BOOT_IMAGE=(hd0,gpt2)/vmlinuz-6.1`. */
function bootedKernel(system: System): readonly string[] {
  const line = system.files.readTextIfThere('/proc/cmdline') ?? '';
  const path = lastValue(parseCommandLine(line), 'BOOT_IMAGE')?.replace(/^\([^)]*\)/, '');
  return path?.startsWith('/') ? [path, join('/boot', path)] : [];
}

/** Those with the release in their name first: each file that is not the right one has to be read. */
function unifiedImages(system: System, folder: string, release: string): readonly string[] {
  const names = system.files.list(folder).filter((name) => name.endsWith('.efi'));
  const named = names.filter((name) => name.includes(release));
  return [...named, ...names.filter((name) => !named.includes(name)).slice(0, 8)].map((name) => join(folder, name));
}
