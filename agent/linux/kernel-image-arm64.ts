/**
 * The arm64 Image header.
 *
 * @source Documentation/arch/arm64/booting.rst, "Call the kernel image"; arch/arm64/include/asm/image.h; arch/arm64/kernel/kexec_image.c
 */
import { defineStruct } from '../binary/struct.ts';
import { decodeText, encodeText } from '../binary/text.ts';
import type { KernelImage } from './kernel-image.ts';
import type { PeImage } from './kernel-image-pe.ts';

const imageHeader = defineStruct('arm64 Image header', 64, {
  textOffset: [8, 'u64'],
  imageBytes: [16, 'u64'],
  flags: [24, 'u64'],
  magic: [0x38, 'u32'],
});

/** "ARM\x64" */
const magic = 0x644d5241;
/** COMMAND_LINE_SIZE of arm64 counts the NUL. @source arch/arm64/include/uapi/asm/setup.h */
const commandLineBytes = 2048 - 1;
const banner = encodeText('Linux version ');
const maxReleaseBytes = 256;
/** Larger than any kernel: a header that says so is damaged. */
const maxImageBytes = 2n ** 32n;

export function isArm64Image(bytes: Uint8Array): boolean {
  return bytes.length >= imageHeader.sizeBytes && imageHeader.read(bytes).magic === magic;
}

export function describeArm64Image(bytes: Uint8Array, pe: PeImage | undefined): KernelImage {
  const header = imageHeader.read(bytes);
  const problems: string[] = [];
  if (header.imageBytes === 0n) problems.push('does not say how much memory it needs (older than Linux 3.17)');
  if (header.imageBytes > maxImageBytes) problems.push(`says it needs ${header.imageBytes} bytes of memory, which no kernel does`);
  if ((header.flags & 1n) !== 0n) problems.push('is big-endian');
  if (pe !== undefined && pe.endOffset > bytes.length) problems.push(`is cut off: ${bytes.length} bytes, expected ${pe.endOffset}`);
  const memoryBytes = header.imageBytes + header.textOffset;
  return {
    kind: 'arm64',
    what: 'an arm64 Image',
    machine: 'aarch64',
    release: findRelease(bytes),
    signed: pe?.signed === true,
    memoryBytes: memoryBytes > 0n && memoryBytes <= maxImageBytes * 2n ? Number(memoryBytes) : undefined,
    commandLineBytes,
    fiveLevel: undefined,
    problems,
  };
}

/** The banner `Linux version 6.1.0-50-arm64 (builder) …` stands somewhere in the read-only data. */
function findRelease(bytes: Uint8Array): string | undefined {
  const all = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  for (let at = all.indexOf(banner); at >= 0; at = all.indexOf(banner, at + banner.length)) {
    const from = at + banner.length;
    const release = /^\d+\.\d[\x21-\x7e]*/.exec(decodeText(bytes.subarray(from, from + maxReleaseBytes)))?.[0];
    if (release !== undefined) return release;
  }
  return undefined;
}
