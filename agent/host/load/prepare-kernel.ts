/**
 * The capture kernel as a file the kernel's call takes: found, told what it is, taken out of its wrapping when it has one.
 *
 * A kernel that had to be taken out is kept under the state folder by the hash of its content, so that the one loaded before is not overwritten.
 */
import { createHash } from 'node:crypto';
import type { KernelImage } from '../../linux/kernel-image.ts';
import { unwrapKernel } from '../../linux/kernel-image-unwrap.ts';
import type { System } from '../../sys/system.ts';
import { hostPaths } from '../paths.ts';
import { findKernel } from './find-kernel.ts';
import { LoadError } from './load-error.ts';

export type PreparedKernel = {
  /** The file to load. */
  readonly path: string;
  /** Where it came from: the same, or what it was wrapped in. */
  readonly source: string;
  readonly image: KernelImage;
  readonly release: string;
  readonly sizeBytes: number;
  readonly sha256: string;
  /** What the file was wrapped in, e.g. `a unified kernel image`; `undefined`: nothing. */
  readonly wrapping: string | undefined;
};

/**
 * @param wish as for `findKernel`.
 * @param options.store false: a kernel that had to be unwrapped is not written, `path` says where it would be.
 * @throws LoadError `load/no-kernel`, `load/kernel`; LinuxError `linux/kernel-image`
 */
export function prepareKernel(system: System, wish: string | undefined, options: { readonly store: boolean }): PreparedKernel {
  const found = findKernel(system, wish);
  const { bytes, image } = unwrapKernel(system, found.bytes, found.path);
  const release = image.release ?? found.image.release;
  checkUsable(found.path, image, system.kernel.utsname().machine);
  if (release === undefined)
    throw unusable(found.path, 'does not tell its release', 'Name the release with --kernel RELEASE, so that its modules are found.');
  const sha256 = createHash('sha256').update(bytes).digest('hex');
  const isPlain = bytes === found.bytes;
  const path = isPlain ? found.path : `${hostPaths.state}/kernel-${sha256.slice(0, 16)}`;
  if (!isPlain && options.store && system.files.status(path)?.sizeBytes !== bytes.length) {
    system.files.makeFolder(hostPaths.state);
    system.files.write(path, bytes, 0o600);
  }
  return { path, source: found.path, image, release, sizeBytes: bytes.length, sha256, wrapping: isPlain ? undefined : found.image.what };
}

function checkUsable(path: string, image: KernelImage, machine: string): void {
  if (image.problems.length > 0)
    throw unusable(path, image.problems.join('; it '), 'Install the kernel package again, or name another kernel with --kernel.');
  if (image.machine !== undefined && image.machine !== machine) {
    throw unusable(path, `is for ${image.machine}, this machine is ${machine}`, 'Name a kernel of this architecture with --kernel.');
  }
}

function unusable(path: string, why: string, hint: string): LoadError {
  return new LoadError('load/kernel', `Cannot use "${path}" as the capture kernel: it ${why}`, { where: path, hint });
}

/** Kernels taken out of their wrapping that neither the loaded nor the new image needs. */
export function removeOldKernels(system: System, needed: readonly string[]): void {
  for (const name of system.files.list(hostPaths.state)) {
    const path = `${hostPaths.state}/${name}`;
    if (/^kernel-[0-9a-f]{16}$/.test(name) && !needed.includes(path)) system.files.remove(path);
  }
}
