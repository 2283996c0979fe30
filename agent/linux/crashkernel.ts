/**
 * `crashkernel=`: the words that reserve memory for the capture kernel, read as the kernel reads them but with an answer to "what is wrong?".
 *
 * ```
 * size[@offset]                     256M, 256M@64M
 * range:size[,range:size…][@offset] 2G-64G:256M,64G-:512M      lower bound inclusive, upper exclusive
 * size,high   size,low   size,cma   above 4 GiB, the DMA part below, memory that stays usable until the crash
 * auto                              not known to mainline kernels; what distributions mean by it
 * ```
 *
 * @source kernel/crash_reserve.c, parse_crashkernel_mem(), _simple(), _suffix(); lib/cmdline.c, memparse();
 *   Documentation/admin-guide/kdump/kdump.rst
 */
import { LinuxError } from './linux-error.ts';

/** `fromBytes <= memory < toBytes`; no `toBytes`: no end. */
export type CrashkernelRange = { readonly fromBytes: number; readonly toBytes: number | undefined; readonly sizeBytes: number };

/** One `crashkernel=` word. `text` is what stands behind the `=`. */
export type CrashkernelWord =
  | { readonly kind: 'size'; readonly text: string; readonly sizeBytes: number; readonly offsetBytes: number | undefined }
  | {
      readonly kind: 'ranges';
      readonly text: string;
      readonly ranges: readonly CrashkernelRange[];
      readonly offsetBytes: number | undefined;
    }
  | { readonly kind: 'high' | 'low' | 'cma'; readonly text: string; readonly sizeBytes: number }
  | { readonly kind: 'auto'; readonly text: string };

const suffixes = ['high', 'low', 'cma'] as const;
const unitPowers: Readonly<Record<string, number>> = { k: 1, m: 2, g: 3, t: 4, p: 5, e: 6 };

/**
 * Reads what stands behind one `crashkernel=`.
 * @throws LinuxError `linux/crashkernel`: the message names the character where reading stopped and what was expected there.
 */
export function parseCrashkernel(text: string): CrashkernelWord {
  if (text === 'auto') return { kind: 'auto', text };
  const reader = new Reader(text);
  const suffix = suffixes.find((name) => text.endsWith(`,${name}`));
  const word = text.includes(':') ? readRanges(reader) : suffix === undefined ? readSize(reader) : readSuffixed(reader, suffix);
  reader.requireEnd();
  return word;
}

function readSize(reader: Reader): CrashkernelWord {
  const sizeBytes = reader.size('a size such as 256M');
  const offsetBytes = reader.skip('@') ? reader.size('an address such as 64M') : undefined;
  if (!reader.atEnd && reader.peek() === ',') reader.fail('",high", ",low", ",cma", or a range such as 2G-64G: before the size');
  return { kind: 'size', text: reader.text, sizeBytes, offsetBytes };
}

function readSuffixed(reader: Reader, suffix: (typeof suffixes)[number]): CrashkernelWord {
  const sizeBytes = reader.size('a size such as 256M');
  reader.require(`,${suffix}`, `",${suffix}"`);
  return { kind: suffix, text: reader.text, sizeBytes };
}

function readRanges(reader: Reader): CrashkernelWord {
  const ranges: CrashkernelRange[] = [];
  do ranges.push(readRange(reader));
  while (reader.skip(','));
  const offsetBytes = reader.skip('@') ? reader.size('an address such as 64M') : undefined;
  return { kind: 'ranges', text: reader.text, ranges, offsetBytes };
}

function readRange(reader: Reader): CrashkernelRange {
  const fromBytes = reader.size('the lower bound of a range, such as 2G');
  reader.require('-', '"-" between the bounds of a range');
  const endAt = reader.position;
  const toBytes = reader.peek() === ':' ? undefined : reader.size('the upper bound of a range, or ":" for none');
  if (toBytes !== undefined && toBytes <= fromBytes) reader.failAt(endAt, 'an upper bound above the lower one');
  reader.require(':', '":" before the size');
  return { fromBytes, toBytes, sizeBytes: reader.size('a size such as 256M') };
}

/** A place in the text. */
class Reader {
  readonly text: string;
  position = 0;

  constructor(text: string) {
    this.text = text;
  }

  get atEnd(): boolean {
    return this.position >= this.text.length;
  }

  peek(): string {
    return this.text.charAt(this.position);
  }

  skip(word: string): boolean {
    if (!this.text.startsWith(word, this.position)) return false;
    this.position += word.length;
    return true;
  }

  require(word: string, wanted: string): void {
    if (!this.skip(word)) this.fail(wanted);
  }

  requireEnd(): void {
    if (!this.atEnd) this.fail('the end');
  }

  /** A number (decimal, 0x hexadecimal, 0 octal) with at most one unit. */
  size(wanted: string): number {
    const start = this.position;
    const match = /^(0[xX][0-9a-fA-F]+|[0-9]+)([kKmMgGtTpPeE]?)/.exec(this.text.slice(start));
    if (match === null) this.fail(wanted);
    const digits = match[1];
    const isOctal = /^0[0-7]+$/.test(digits);
    if (/^0[0-9]+$/.test(digits) && !isOctal) this.fail(`${wanted}, without a leading 0 (the kernel reads octal then)`);
    const value = isOctal ? Number.parseInt(digits, 8) : Number(digits);
    const bytes = value * 1024 ** (unitPowers[match[2].toLowerCase()] ?? 0);
    // 8 EiB and more do not fit the kernel's number either; beyond 2^53 this one is no longer exact, which no real machine reaches.
    if (bytes >= 2 ** 63) this.failAt(start, 'less than 8 EiB');
    this.position += match[0].length;
    return bytes;
  }

  fail(wanted: string): never {
    this.failAt(this.position, wanted);
  }

  failAt(position: number, wanted: string): never {
    const found = position >= this.text.length ? 'the text ends' : `"${this.text.slice(position, position + 16)}"`;
    throw new LinuxError(
      'linux/crashkernel',
      `Cannot read "crashkernel=${this.text}" at character ${position + 1}: ${found}, expected ${wanted}`,
      {
        where: `crashkernel=${this.text}`,
        hint: 'Write for instance crashkernel=256M, crashkernel=2G-64G:256M,64G-:512M or crashkernel=512M,high.',
      },
    );
  }
}
