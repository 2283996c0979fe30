/**
 * The x86 boot header: what a bzImage says about itself.
 *
 * @source Documentation/arch/x86/boot.rst, "The Real-Mode Kernel Header"; arch/x86/kernel/kexec-bzimage64.c, bzImage64_probe()
 */
import { defineStruct } from '../binary/struct.ts';
import { decodeText } from '../binary/text.ts';
import type { KernelImage } from './kernel-image.ts';
import type { PeImage } from './kernel-image-pe.ts';

/** Offsets count from the start of the file; the part behind 0x250 is there since protocol 2.10. */
const setupHeader = defineStruct('x86 boot header', 0x264, {
  setupSectors: [0x1f1, 'u8'],
  systemParagraphs: [0x1f4, 'u32'],
  bootFlag: [0x1fe, 'u16'],
  magic: [0x202, 'u32'],
  version: [0x206, 'u16'],
  kernelVersion: [0x20e, 'u16'],
  loadFlags: [0x211, 'u8'],
  relocatable: [0x234, 'u8'],
  extendedLoadFlags: [0x236, 'u16'],
  commandLineBytes: [0x238, 'u32'],
  startBytes: [0x260, 'u32'],
});

const magic = 0x53726448;
const bootFlag = 0xaa55;
const sectorBytes = 512;
const loadedHigh = 1;
const extended = { kernel64: 1, above4G: 2, fiveLevel: 32 } as const;
const oldestProtocol = 0x20c;
const maxReleaseBytes = 256;

export function isBzImage(bytes: Uint8Array): boolean {
  if (bytes.length < setupHeader.sizeBytes) return false;
  const header = setupHeader.read(bytes);
  return header.magic === magic && header.bootFlag === bootFlag;
}

export function describeBzImage(bytes: Uint8Array, pe: PeImage | undefined): KernelImage {
  const header = setupHeader.read(bytes);
  const isWide = (header.extendedLoadFlags & extended.kernel64) !== 0;
  return {
    kind: 'bzimage',
    what: 'an x86 bzImage',
    machine: isWide ? 'x86_64' : 'i386',
    release: readRelease(bytes, header.kernelVersion),
    signed: pe?.signed === true,
    memoryBytes: header.startBytes,
    commandLineBytes: header.commandLineBytes,
    fiveLevel: (header.extendedLoadFlags & extended.fiveLevel) !== 0,
    problems: findProblems(bytes.length, header),
  };
}

function findProblems(sizeBytes: number, header: ReturnType<typeof setupHeader.read>): readonly string[] {
  const problems: string[] = [];
  // 0 stands for 4. @source boot.rst, setup_sects
  const setupBytes = ((header.setupSectors === 0 ? 4 : header.setupSectors) + 1) * sectorBytes;
  const wholeBytes = setupBytes + header.systemParagraphs * 16;
  if (wholeBytes > sizeBytes) problems.push(`is cut off: ${sizeBytes} bytes, expected ${wholeBytes}`);
  if (header.version < oldestProtocol)
    problems.push(`speaks boot protocol ${formatVersion(header.version)}, expected 2.12 (Linux 3.8) or newer`);
  if ((header.loadFlags & loadedHigh) === 0) problems.push('is a zImage, expected a bzImage');
  if ((header.extendedLoadFlags & extended.kernel64) === 0) problems.push('has no 64-bit entry (XLF_KERNEL_64)');
  if ((header.extendedLoadFlags & extended.above4G) === 0) problems.push('cannot be loaded above 4 GiB (XLF_CAN_BE_LOADED_ABOVE_4G)');
  if (header.relocatable === 0) problems.push('is not relocatable (CONFIG_RELOCATABLE), so it cannot run in the reserved memory');
  return problems;
}

function formatVersion(version: number): string {
  return `${version >> 8}.${String(version & 0xff).padStart(2, '0')}`;
}

/** The text starts with the release: `6.1.0-50-amd64 (builder) #1 SMP …`. */
function readRelease(bytes: Uint8Array, pointer: number): string | undefined {
  const at = pointer + 0x200;
  if (pointer === 0 || at >= bytes.length) return undefined;
  const release = /^[\x21-\x7e]+/.exec(decodeText(bytes.subarray(at, at + maxReleaseBytes)))?.[0];
  return release !== undefined && /^\d+\.\d/.test(release) ? release : undefined;
}
