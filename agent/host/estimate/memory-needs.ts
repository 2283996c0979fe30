/**
 * How much memory a capture on this machine takes, as a sum with one line for each part.
 *
 * Two moments decide: while the image is unpacked it is in memory twice; while the dump is written the agent, its bitmap and what it opened are there
 * instead. The larger one counts.
 *
 * @source Measured with kernels 5.10 to 7.2 under QEMU: the agent's peak, the early allocations and what a systemd image adds; mm/sparse-vmemmap.c;
 *   init/initramfs.c
 */
import { GiB, KiB, MiB } from '../../binary/units.ts';

export type NeedFacts = {
  /** Text, data and BSS of the capture kernel. */
  readonly kernelBytes: number;
  readonly kernelSource: string;
  readonly image: ImageSize;
  /** Modules as they lie in memory once loaded. */
  readonly moduleBytes: number;
  /** RAM of the crashed machine. */
  readonly memoryBytes: number;
  readonly pageBytes: number;
  /** CPUs the capture kernel starts. */
  readonly cpus: number;
  /** Bytes on the screen, 0 without one. */
  readonly framebufferBytes: number;
  /** What the hungriest LUKS key slot takes. */
  readonly luksBytes: number;
  readonly usesSystemd: boolean;
};

export type ImageSize = {
  readonly packedBytes: number;
  /** Once its files are in memory. */
  readonly unpackedBytes: number;
  /** How that is known. */
  readonly source: string;
};

export type NeedLine = {
  readonly what: string;
  readonly bytes: number;
  readonly how: string;
  /** Needs no slack. */
  readonly isExact?: true;
};
export type Needs = {
  /** Of the moment that takes more. */
  readonly lines: readonly NeedLine[];
  readonly moment: 'unpacking' | 'dumping';
  readonly totalBytes: number;
  /** The other moment's total. */
  readonly otherBytes: number;
  /** Below this it was seen to fail: no slack, and an agent that reads its executable again and again. */
  readonly leastBytes: number;
};

/** Slab (20 MB), what is set aside before memory management begins (12 MB), stacks and page tables of a kernel that has just started. */
const earlyBytes = 30 * MiB;
/**
 * The agent at its peak: 57 to 75 MB where there is room. Two thirds of it are pages of the executable, which it reads again and again when there is less; it was
 * seen to finish with 35 MB.
 */
const agentBytes = { comfortable: 75e6, least: 36e6 };
/** Each further CPU: per-CPU areas of the kernel and one more compressing thread. */
const cpuBytes = 10 * MiB;
/** Pages of the dump on their way to the disk. */
const writeBackBytes = 12 * MiB;
/** systemd, udev and the journal of an image made by a generator. */
const systemdBytes = 32 * MiB;
/** cryptsetup itself and the libraries it opens. */
const cryptsetupBytes = 20 * MiB;
const structPageBytes = 64;
const slack = 0.08;

/** @param reservedBytes of which the table of pages is reckoned. */
export function sumNeeds(facts: NeedFacts, reservedBytes: number): Needs {
  const always: readonly NeedLine[] = [
    { what: 'kernel', bytes: facts.kernelBytes, how: facts.kernelSource },
    {
      what: 'table of its pages',
      bytes: (reservedBytes / facts.pageBytes) * structPageBytes,
      how: `${structPageBytes} bytes a page of the reservation`,
    },
    { what: 'kernel at work', bytes: earlyBytes, how: 'measured' },
    { what: 'image, unpacked', bytes: facts.image.unpackedBytes, how: facts.image.source },
  ];
  const unpacking = [...always, { what: 'image, packed', bytes: facts.image.packedBytes, how: 'in memory until it is unpacked' }];
  const dumping = [...always, ...dumpingLines(facts)];
  const leastBytes = Math.max(sum(unpacking), sum(dumping) - agentBytes.comfortable + agentBytes.least - writeBackBytes);
  const [comfortable, other] = [withSlack(dumping), withSlack(unpacking)];
  const isUnpacking = sum(other) > sum(comfortable);
  const [lines, rest] = isUnpacking ? [other, comfortable] : [comfortable, other];
  return { lines, moment: isUnpacking ? 'unpacking' : 'dumping', totalBytes: sum(lines), otherBytes: sum(rest), leastBytes };
}

function sum(lines: readonly NeedLine[]): number {
  return lines.reduce((total, { bytes }) => total + bytes, 0);
}

function dumpingLines(facts: NeedFacts): readonly NeedLine[] {
  const bitmapBytes = Math.ceil(facts.memoryBytes / facts.pageBytes / 4);
  const lines: NeedLine[] = [
    { what: 'modules', bytes: facts.moduleBytes, how: 'loaded, beside their files' },
    { what: 'agent', bytes: agentBytes.comfortable, how: 'measured, at its peak' },
    { what: 'bitmap', bytes: bitmapBytes, how: `2 bits a page of ${Math.round(facts.memoryBytes / GiB)} GiB` },
    { what: 'list of the old memory', bytes: Math.ceil(facts.memoryBytes / (128 * MiB)) * 96 + 64 * KiB, how: '96 bytes for each 128 MiB' },
    { what: 'writing', bytes: writeBackBytes, how: 'pages on their way to the disk' },
  ];
  if (facts.cpus > 1) lines.push({ what: 'more CPUs', bytes: (facts.cpus - 1) * cpuBytes, how: `${facts.cpus - 1} more than one` });
  if (facts.usesSystemd) lines.push({ what: 'systemd and udev', bytes: systemdBytes, how: 'in images that dracut or mkinitcpio make' });
  if (facts.luksBytes > 0)
    lines.push({
      what: 'opening LUKS',
      bytes: facts.luksBytes + cryptsetupBytes,
      how: "the key slot's Argon2 memory and cryptsetup",
      isExact: true,
    });
  if (facts.framebufferBytes > 0) lines.push({ what: 'screen', bytes: facts.framebufferBytes, how: 'one copy of what is shown' });
  return lines;
}

function withSlack(lines: readonly NeedLine[]): readonly NeedLine[] {
  const bytes = sum(lines.filter(({ isExact }) => !isExact)) * slack;
  return [...lines, { what: 'slack', bytes, how: `${slack * 100} % for what drivers take` }];
}
