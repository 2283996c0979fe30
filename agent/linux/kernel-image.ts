/**
 * What a kernel file is, and what kexec_file_load will say to it.
 *
 * Comes in: the whole file. Goes out: its kind, architecture, release, how long a command line it takes, and every reason why it cannot be loaded as it is.
 * A kernel wrapped in something (gzip, EFI zboot, a unified kernel image) is taken out by `kernel-image-unwrap.ts`.
 *
 * @source Documentation/arch/x86/boot.rst; arch/x86/kernel/kexec-bzimage64.c; Documentation/arch/arm64/booting.rst; arch/arm64/kernel/kexec_image.c;
 *   drivers/firmware/efi/libstub/zboot-header.S; UAPI group specification "Unified Kernel Image"
 */
import { decodeText } from '../binary/text.ts';
import { describeArm64Image, isArm64Image } from './kernel-image-arm64.ts';
import { describeBzImage, isBzImage } from './kernel-image-bzimage.ts';
import { peMachines, peSectionBytes, type PeImage, readPe } from './kernel-image-pe.ts';
import { isZboot, readZboot } from './kernel-image-zboot.ts';
import { LinuxError } from './linux-error.ts';

/** `bzimage` and `arm64` can be loaded; in `zboot`, `uki` and `gzip` there is one that can; `elf` is none. */
export type KernelImageKind = 'bzimage' | 'arm64' | 'zboot' | 'uki' | 'gzip' | 'elf';

export type KernelImage = {
  readonly kind: KernelImageKind;
  /** As a noun with its article, e.g. `an x86 bzImage`. */
  readonly what: string;
  /** As in `uname -m`; `undefined`: it does not tell. */
  readonly machine: string | undefined;
  /** What `uname -r` will say in it; `undefined`: it does not tell without unpacking. */
  readonly release: string | undefined;
  /** An Authenticode signature is attached; whether a trusted one, the running kernel decides. */
  readonly signed: boolean;
  /** Memory it takes while it starts, itself included; `undefined`: not known. */
  readonly memoryBytes: number | undefined;
  /** Longest command line, without the NUL; `undefined`: not known. */
  readonly commandLineBytes: number | undefined;
  /** x86: it can run with 5-level page tables. */
  readonly fiveLevel: boolean | undefined;
  /** Why the kernel will refuse it or it will not start, each a clause without a subject: `is cut off: …`. Empty: nothing known. */
  readonly problems: readonly string[];
};

/** The facts of a kind that cannot be loaded as it is. */
const untold = { release: undefined, signed: false, memoryBytes: undefined, commandLineBytes: undefined, fiveLevel: undefined } as const;
const elfMachines: Readonly<Record<number, string>> = { 3: 'i386', 62: 'x86_64', 183: 'aarch64', 243: 'riscv64' };
const otherFiles: readonly (readonly [bytes: readonly number[], what: string])[] = [
  [[0x30, 0x37, 0x30, 0x37, 0x30], 'a cpio archive, perhaps an initramfs'],
  [[0xfd, 0x37, 0x7a, 0x58, 0x5a], 'an xz file'],
  [[0x28, 0xb5, 0x2f, 0xfd], 'a zstd file'],
  [[0x04, 0x22, 0x4d, 0x18], 'an lz4 file'],
  [[0x02, 0x21, 0x4c, 0x18], 'an lz4 file'],
  [[0x42, 0x5a, 0x68], 'a bzip2 file'],
  [[0x68, 0x73, 0x71, 0x73], 'a squashfs'],
  [[0x23, 0x21], 'a script'],
];

/**
 * Says what a file is.
 * @throws LinuxError `linux/kernel-image`: it is no kernel of any kind we know.
 */
export function identifyKernel(bytes: Uint8Array, path: string): KernelImage {
  if (bytes.length === 0) throw noKernel(path, 'the file is empty');
  if (bytes[0] === 0x1f && bytes[1] === 0x8b) {
    return {
      ...untold,
      kind: 'gzip',
      what: 'a gzip file',
      machine: undefined,
      problems: ['is compressed with gzip, which the kernel does not undo'],
    };
  }
  if (bytes[0] === 0x7f && bytes[1] === 0x45 && bytes[2] === 0x4c && bytes[3] === 0x46) return describeElf(bytes);
  if (isZboot(bytes)) return describeZboot(bytes, path);
  const pe = readPe(bytes);
  if (pe?.sections.some(({ name }) => name === '.linux')) return describeUki(bytes, pe);
  if (isBzImage(bytes)) return describeBzImage(bytes, pe);
  if (isArm64Image(bytes)) return describeArm64Image(bytes, pe);
  throw noKernel(path, pe === undefined ? `found ${describeOther(bytes)}` : 'found an EFI program that is no kernel');
}

function describeElf(bytes: Uint8Array): KernelImage {
  const machine = bytes.length >= 20 ? elfMachines[bytes[18] + bytes[19] * 256] : undefined;
  return {
    ...untold,
    kind: 'elf',
    what: 'an ELF file (vmlinux)',
    machine,
    problems: ['is an ELF file, which kexec_file_load does not take here'],
  };
}

function describeZboot(bytes: Uint8Array, path: string): KernelImage {
  const { codec } = readZboot(bytes, path);
  const pe = readPe(bytes);
  return {
    ...untold,
    kind: 'zboot',
    what: `an EFI zboot image (${codec})`,
    machine: machineOf(pe),
    signed: pe?.signed === true,
    problems: ['unpacks itself with the help of EFI firmware, which a crashed machine cannot use'],
  };
}

function describeUki(bytes: Uint8Array, pe: PeImage): KernelImage {
  const uname = peSectionBytes(bytes, pe, '.uname');
  const release = uname === undefined ? undefined : decodeText(uname.subarray(0, 256)).trim();
  return {
    ...untold,
    kind: 'uki',
    what: 'a unified kernel image',
    machine: machineOf(pe),
    release: release === '' ? undefined : release,
    signed: pe.signed,
    problems: ['is a unified kernel image, which kexec_file_load does not take'],
  };
}

function machineOf(pe: PeImage | undefined): string | undefined {
  return (peMachines as Readonly<Record<number, string>>)[pe?.machine ?? 0];
}

function describeOther(bytes: Uint8Array): string {
  const known = otherFiles.find(([magic]) => magic.every((byte, index) => bytes[index] === byte));
  return known?.[1] ?? `data that begins with ${[...bytes.subarray(0, 4)].map((byte) => byte.toString(16).padStart(2, '0')).join(' ')}`;
}

function noKernel(path: string, found: string): LinuxError {
  return new LinuxError('linux/kernel-image', `Cannot use "${path}" as a kernel: ${found}, expected a bzImage or an arm64 Image`, {
    where: path,
    hint: 'Name the kernel with --kernel FILE or --kernel RELEASE.',
  });
}
