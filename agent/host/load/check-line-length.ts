/**
 * Whether the capture kernel takes the whole command line: one that is too long is refused on x86 and silently cut on arm64.
 *
 * @source arch/x86/kernel/kexec-bzimage64.c, MAX_ELFCOREHDR_STR_LEN, MAX_DMCRYPTKEYS_STR_LEN: the kernel puts two words in front and counts the NUL;
 *   arch/arm64: they travel in the device tree
 */
import { commandLineBytes, parseCommandLine } from '../../linux/command-line.ts';
import type { KernelImage } from '../../linux/kernel-image.ts';
import { LoadError } from './load-error.ts';

/** `elfcorehdr=0x… ` and `dmcryptkeys=0x… `. */
const prefixBytes = 30 + 31;
/** What every x86 kernel of the last fifteen years takes, should the header say nothing. */
const usualBytes = 2047;

/** Bytes the line may have, without the NUL. */
export function commandLineLimit(image: KernelImage): number {
  const limit = image.commandLineBytes === undefined || image.commandLineBytes === 0 ? usualBytes : image.commandLineBytes;
  return image.kind === 'bzimage' ? limit - prefixBytes - 1 : limit;
}

/** @throws LoadError `load/line-too-long` */
export function checkLineLength(line: string, image: KernelImage): void {
  const [bytes, limit] = [commandLineBytes(line), commandLineLimit(image)];
  if (bytes <= limit) return;
  const longest = [...parseCommandLine(line)].sort((a, b) => b.text.length - a.text.length).slice(0, 3);
  const names = longest
    .map(({ name, text }) => `${name.length > 40 ? `${name.slice(0, 40)}…` : name} (${commandLineBytes(text)} bytes)`)
    .join(', ');
  throw new LoadError('load/line-too-long', `Cannot give the capture kernel its command line: ${bytes} bytes, expected at most ${limit}`, {
    hint: `Remove words in the configuration; the longest are ${names}.`,
  });
}
