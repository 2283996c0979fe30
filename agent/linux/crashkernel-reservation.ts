/**
 * How much memory a set of `crashkernel=` words reserves on a machine of a given size, and why.
 *
 * @source kernel/crash_reserve.c, parse_crashkernel(), get_last_crashkernel(), reserve_crashkernel_generic(); arch/x86/include/asm/crash_reserve.h;
 *   arch/arm64/include/asm/crash_reserve.h
 */
import { formatBytes, MiB } from '../binary/units.ts';
import { autoMeaning } from './crashkernel-auto.ts';
import { type CrashkernelRange, type CrashkernelWord, parseCrashkernel } from './crashkernel.ts';
import { findWords, type KernelWord } from './command-line.ts';
import { LinuxError } from './linux-error.ts';

export type Reservation = {
  /** What the kernel sets aside for the capture kernel, all parts together. 0: nothing. Without `cmaBytes`. */
  readonly totalBytes: number;
  /** The part the image is loaded to. */
  readonly mainBytes: number;
  /** The part below 4 GiB that comes with a main part above it. */
  readonly lowBytes: number;
  /** Memory that stays usable until the crash; its pages are not in the dump. */
  readonly cmaBytes: number;
  /** One sentence a word: what it means here. */
  readonly explanation: readonly string[];
};

/** Machine names as in `uname -m`. */
export type CrashkernelMachine = { readonly memoryBytes: number; readonly machine: string };

/**
 * Firmware keeps some memory for itself, so newer kernels round the machine's size up before they look at the ranges. Older ones do not: with memory
 * less than this below a bound they may decide for the range before.
 */
const roundUpBytes = 128 * MiB;
/** Reserved below 4 GiB beside `,high` when `,low` is not said. x86: at least this much, more when swiotlb= is larger. */
const defaultLowBytes: Readonly<Record<string, number>> = { x86_64: 256 * MiB, aarch64: 128 * MiB };

/**
 * All `crashkernel=` words of a command line, in order.
 * @throws LinuxError `linux/crashkernel`
 */
export function crashkernelWords(words: readonly KernelWord[]): readonly CrashkernelWord[] {
  return findWords(words, 'crashkernel').map((word) => parseCrashkernel(word.value ?? ''));
}

/**
 * What the kernel makes of the words: the last one without a suffix counts; only when there is none, `,high` and `,low` do; `,cma` is added to either.
 * `auto` counts like a size on kernels that know it.
 */
export function reservationFor(words: readonly CrashkernelWord[], machine: CrashkernelMachine): Reservation {
  const last = (kind: CrashkernelWord['kind']) => words.findLast((word) => word.kind === kind);
  const plain = words.findLast((word) => word.kind === 'size' || word.kind === 'ranges' || word.kind === 'auto');
  const cma = last('cma');
  const cmaBytes = cma?.kind === 'cma' ? cma.sizeBytes : 0;
  const base = plain === undefined ? reserveHigh(last('high'), last('low'), machine) : reservePlain(plain, machine);
  const superseded = words.filter((word) => word.kind !== 'cma' && !base.used.includes(word));
  return {
    mainBytes: base.mainBytes,
    lowBytes: base.lowBytes,
    totalBytes: base.mainBytes + base.lowBytes,
    cmaBytes: base.mainBytes === 0 ? 0 : cmaBytes,
    explanation: [
      ...base.explanation,
      ...superseded.map((word) => `crashkernel=${word.text} does not count: ${whyNot(word, plain)}`),
      ...(cma === undefined ? [] : [explainCma(cma, base.mainBytes)]),
    ],
  };
}

type Base = {
  readonly mainBytes: number;
  readonly lowBytes: number;
  readonly used: readonly CrashkernelWord[];
  readonly explanation: readonly string[];
};

function reservePlain(word: CrashkernelWord, machine: CrashkernelMachine): Base {
  const none = (why: string): Base => ({ mainBytes: 0, lowBytes: 0, used: [word], explanation: [`crashkernel=${word.text} ${why}`] });
  if (word.kind === 'auto') return reserveAuto(word, machine);
  const place =
    (word.kind === 'size' || word.kind === 'ranges') && word.offsetBytes
      ? ` at ${formatBytes(word.offsetBytes)}, or nothing if that is in use`
      : '';
  if (word.kind === 'size') {
    if (word.sizeBytes === 0) return none('reserves nothing: the size is 0');
    if (word.sizeBytes >= machine.memoryBytes) return none(`reserves nothing: the machine has ${formatBytes(machine.memoryBytes)}`);
    const explanation = [`crashkernel=${word.text} reserves ${formatBytes(word.sizeBytes)}${place}`];
    return { mainBytes: word.sizeBytes, lowBytes: 0, used: [word], explanation };
  }
  if (word.kind !== 'ranges') return none('reserves nothing by itself');
  const total = Math.ceil(machine.memoryBytes / roundUpBytes) * roundUpBytes;
  for (const range of word.ranges) {
    // The kernel gives up at the first size that cannot be, even in a range that would not be taken.
    if (range.sizeBytes >= total)
      return none(`reserves nothing: ${formatBytes(range.sizeBytes)} is not less than the machine's ${formatBytes(total)}`);
    if (!isInside(total, range)) continue;
    if (range.sizeBytes === 0) return none(`reserves nothing: the range for ${formatBytes(total)} says 0`);
    const explanation = [
      `crashkernel=${word.text} reserves ${formatBytes(range.sizeBytes)}${place}: ${formatBytes(total)} is in ${describeRange(range)}`,
    ];
    return { mainBytes: range.sizeBytes, lowBytes: 0, used: [word], explanation };
  }
  return none(`reserves nothing: no range holds ${formatBytes(total)}`);
}

function reserveAuto(word: CrashkernelWord, machine: CrashkernelMachine): Base {
  const meaning = autoMeaning(machine.machine);
  const known = `crashkernel=auto is known to kernels of RHEL 8 and older only`;
  if (meaning === undefined) return { mainBytes: 0, lowBytes: 0, used: [word], explanation: [known] };
  const inner = reservePlain(parseCrashkernel(meaning), machine);
  return { ...inner, used: [word], explanation: [`${known}; there it stands for ${meaning}`, ...inner.explanation] };
}

function reserveHigh(high: CrashkernelWord | undefined, low: CrashkernelWord | undefined, machine: CrashkernelMachine): Base {
  if (high?.kind !== 'high' || high.sizeBytes === 0) {
    return { mainBytes: 0, lowBytes: 0, used: [], explanation: ['No crashkernel= word says how much to reserve'] };
  }
  if (high.sizeBytes >= machine.memoryBytes) {
    const explanation = [`crashkernel=${high.text} reserves nothing: the machine has ${formatBytes(machine.memoryBytes)}`];
    return { mainBytes: 0, lowBytes: 0, used: [high], explanation };
  }
  const lowBytes = low?.kind === 'low' ? low.sizeBytes : (defaultLowBytes[machine.machine] ?? 0);
  const said = low === undefined ? 'which is the default' : `as crashkernel=${low.text} says`;
  return {
    mainBytes: high.sizeBytes,
    lowBytes,
    used: low === undefined ? [high] : [high, low],
    explanation: [
      `crashkernel=${high.text} reserves ${formatBytes(high.sizeBytes)}, above 4 GiB if there is room`,
      `and then ${formatBytes(lowBytes)} below 4 GiB for devices, ${said}`,
    ],
  };
}

function whyNot(word: CrashkernelWord, plain: CrashkernelWord | undefined): string {
  if (plain !== undefined) return `crashkernel=${plain.text} wins`;
  if (word.kind === 'low') return 'it needs a crashkernel= with ",high" or an earlier one of its kind is overridden';
  return 'a later one wins';
}

function explainCma(word: CrashkernelWord, mainBytes: number): string {
  if (mainBytes === 0) return `crashkernel=${word.text} does not count: it only adds to a reservation`;
  return `crashkernel=${word.text} adds memory that stays usable until the crash (x86 from Linux 6.17 on); user pages in it are not in the dump`;
}

function isInside(bytes: number, range: CrashkernelRange): boolean {
  return bytes >= range.fromBytes && (range.toBytes === undefined || bytes < range.toBytes);
}

function describeRange(range: CrashkernelRange): string {
  if (range.toBytes === undefined) return `the range from ${formatBytes(range.fromBytes)} on`;
  return `the range from ${formatBytes(range.fromBytes)} to below ${formatBytes(range.toBytes)}`;
}

/** What every word of a line reserves here, or `undefined` and the reason when a word cannot be read: the kernel then reserves nothing either. */
export function tryReservation(
  words: readonly KernelWord[],
  machine: CrashkernelMachine,
): { reservation?: Reservation; problem?: LinuxError } {
  try {
    return { reservation: reservationFor(crashkernelWords(words), machine) };
  } catch (error) {
    if (error instanceof LinuxError) return { problem: error };
    throw error;
  }
}
