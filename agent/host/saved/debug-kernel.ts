/**
 * The kernel with debug data that crash and drgn need beside a dump: where it lies, or which package brings it.
 *
 * @source where debug packages of Debian, Ubuntu, Fedora, RHEL, SUSE and Arch put `vmlinux`
 */
import type { Files } from '../../sys/files-interface.ts';

export type DebugKernel = {
  /** The file, when it is there. */
  readonly path: string | undefined;
  /** What to install when it is not. */
  readonly advice: string | undefined;
};

/** What kernel releases are made of; it becomes part of a path. */
const releasePattern = /^[A-Za-z0-9][A-Za-z0-9._+~:-]{0,120}$/;

/** @param release Of the crashed kernel, as a dump says; any text. */
export function findDebugKernel(files: Files, release: string): DebugKernel {
  if (!releasePattern.test(release)) return { path: undefined, advice: undefined };
  const path = candidates(release).find((candidate) => files.status(candidate)?.kind === 'file');
  return { path, advice: path === undefined ? packageAdvice(files, release) : undefined };
}

function candidates(release: string): readonly string[] {
  return [
    `/usr/lib/debug/boot/vmlinux-${release}`,
    `/usr/lib/debug/lib/modules/${release}/vmlinux`,
    `/usr/lib/debug/usr/lib/modules/${release}/vmlinux`,
    `/usr/lib/debug/lib/modules/${release}/vmlinux.debug`,
    `/usr/lib/debug/usr/lib/modules/${release}/vmlinux.debug`,
    `/usr/lib/debug/boot/vmlinux-${release}.debug`,
    `/lib/modules/${release}/build/vmlinux`,
    `/lib/modules/${release}/vmlinux`,
    `/boot/vmlinux-${release}`,
  ];
}

function packageAdvice(files: Files, release: string): string {
  const text = files.readTextIfThere('/etc/os-release', 65_536) ?? files.readTextIfThere('/usr/lib/os-release', 65_536) ?? '';
  const words = [...text.matchAll(/^(?:ID|ID_LIKE)=["']?([a-z0-9._ -]*)/gm)].flatMap(([, value]) => value.split(' '));
  if (words.includes('ubuntu')) return `Install linux-image-${release}-dbgsym (from the archive of debug symbols) for its vmlinux.`;
  if (words.includes('debian')) return `Install linux-image-${release}-dbg for its vmlinux.`;
  if (words.some((word) => word === 'suse' || word.startsWith('opensuse')))
    return 'Install kernel-default-debuginfo of that release for its vmlinux.';
  if (words.some((word) => word === 'fedora' || word === 'rhel'))
    return `Install kernel-debuginfo for its vmlinux: debuginfo-install kernel-${release}`;
  if (words.includes('arch')) return "Get the vmlinux of that kernel from its headers package, or from the distribution's debuginfod.";
  return `Get the vmlinux with debug data of kernel ${release}.`;
}
