/**
 * Random damage that can be repeated: a case is a number, and the number decides the input, what is done to it, and the command.
 */
import { buildZip } from './build-zip.ts';
import { buildLogVictims, buildVictim, makeFiles } from './hostile-inputs.ts';
import { type Files, outName } from './hostile-run.ts';
import type { MemorySystem } from './memory-system.ts';

export type FuzzCase = {
  readonly number: number;
  /** Name of the input it started from. */
  readonly input: string;
  /** All files the command names. */
  readonly files: Files;
  readonly words: readonly string[];
  /** Those of `files` that the output is made from. */
  readonly sources: readonly string[];
};

export type FuzzInput = {
  readonly name: string;
  /** The damaged one is chosen among these. */
  readonly files: Files;
  /** `$` stands for all files. */
  readonly commands: readonly (readonly string[])[];
};

const dumps = [
  ['dump', '-q', '--compress', 'none', '-d', '31', '$', outName],
  ['dump', '-q', '-c', '-d', '1', '$', outName],
  ['dump', '-q', '-z', '-d', '31', '$', outName],
  ['dump', '-q', '-c', '-F', '-d', '17', '$', outName],
  ['dump', '-q', '-E', '-d', '31', '$', outName],
  ['dump', '-q', '-c', '--num-threads', '2', '-d', '0', '$', outName],
  ['dump', '-q', '-c', '--dry-run', '--show-stats', '--json', '$', outName],
];
const splitDump = ['dump', '-q', '-c', '-d', '31', '--split', '$', outName, `${outName}2`];
const looks = [
  ['inspect', '$'],
  ['inspect', '--json', '$'],
  ['vtop', '0xffffea0000000040', '$'],
  ['dmesg', '--partial', '$', outName],
];

/** A 32 bit generator whose whole state is its seed. @source Tommy Ettinger's mulberry32, public domain */
export class Random {
  #state: number;

  constructor(seed: number) {
    this.#state = seed >>> 0;
    for (let i = 0; i < 4; i++) this.below(2);
  }

  /** A whole number, `0 <= n < limit`. */
  below(limit: number): number {
    this.#state = (this.#state + 0x6d2b79f5) >>> 0;
    let z = this.#state;
    z = Math.imul(z ^ (z >>> 15), z | 1);
    z ^= z + Math.imul(z ^ (z >>> 7), z | 61);
    return Math.floor((((z ^ (z >>> 14)) >>> 0) / 2 ** 32) * limit);
  }

  pick<T>(items: readonly T[]): T {
    return items[this.below(items.length)];
  }
}

/** Sound inputs of every kind. Dumps are made by the commands themselves. */
export async function buildFuzzInputs(system: MemorySystem): Promise<FuzzInput[]> {
  const vmcore = buildVictim('5.10').vmcore();
  const newer = buildVictim('6.12').vmcore();
  const make = async (...words: string[]) =>
    makeFiles(system, { vmcore }, 'dump', '-q', ...words.slice(0, -1), 'vmcore', ...words.slice(-1));
  const one = async (...words: string[]) => (await make(...words, outName))[outName];
  const { a, b } = await makeFiles(system, { vmcore }, 'dump', '-q', '-c', '-d', '1', '--split', 'vmcore', 'a', 'b');
  const everything = [...dumps, splitDump, ...looks];
  const logs = Object.entries(buildLogVictims()).map(([kind, log]) => ({
    name: `log-${kind}`,
    files: { [kind]: log },
    commands: [['dmesg', '$', outName], ['inspect', '$'], dumps[1]],
  }));
  return [
    { name: 'vmcore-5.10', files: { vmcore }, commands: everything },
    { name: 'vmcore-6.12', files: { vmcore: newer }, commands: everything },
    ...logs,
    { name: 'zlib', files: { dump: await one('-c', '-d', '1') }, commands: everything },
    { name: 'zstd', files: { dump: await one('-z', '-d', '0') }, commands: everything },
    { name: 'elf', files: { dump: await one('-E', '-d', '31') }, commands: everything },
    { name: 'flattened', files: { dump: await one('-c', '-F', '-d', '1') }, commands: [...everything, ['rearrange', '$', outName]] },
    { name: 'split', files: { a, b }, commands: [['reassemble', '$', outName]] },
  ];
}

/** A dump in an archive, which needs a real file system. */
export async function buildZipInput(system: MemorySystem): Promise<FuzzInput> {
  const { [outName]: dump } = await makeFiles(
    system,
    { vmcore: buildVictim().vmcore() },
    'dump',
    '-q',
    '-c',
    '-d',
    '31',
    'vmcore',
    outName,
  );
  return { name: 'zip', files: { 'a.zip': buildZip([{ name: 'vmcore', bytes: dump, method: 'deflated' }]) }, commands: [['inspect', '$']] };
}

export function makeCase(inputs: readonly FuzzInput[], number: number): FuzzCase {
  const random = new Random(number);
  const input = random.pick(inputs);
  const names = Object.keys(input.files);
  const victim = random.pick(names);
  const damaged = damage(input.files[victim], random);
  const words = random.pick(input.commands).flatMap((word) => (word === '$' ? names : [word]));
  return { number, input: input.name, files: { ...input.files, [victim]: damaged }, words, sources: names };
}

function damage(good: Uint8Array, random: Random): Uint8Array {
  let bytes = new Uint8Array(good);
  for (let changes = 1 + random.below(random.pick([1, 3, 8, 40])); changes > 0; changes--) {
    if (random.below(40) === 0) bytes = bytes.slice(0, random.below(bytes.length + 1));
    else if (bytes.length > 16) random.pick(changesInPlace)(bytes, random);
  }
  return bytes;
}

type Change = (bytes: Uint8Array, random: Random) => void;

/** Numbers on which arithmetic breaks. */
const oddNumbers = [
  0n,
  1n,
  7n,
  0x7fn,
  0x1000n,
  0x7fffffffn,
  0x80000000n,
  0xffffffffn,
  1n << 33n,
  1n << 40n,
  1n << 52n,
  1n << 53n,
  (1n << 63n) - 1n,
  1n << 63n,
  -1n,
  -4096n,
];

const changesInPlace: readonly Change[] = [
  (bytes, random) => {
    bytes[place(bytes, random)] ^= 1 << random.below(8);
  },
  (bytes, random) => {
    bytes[place(bytes, random)] = random.pick([0, 1, 0x30, 0x39, 0x7f, 0x80, 0xff]);
  },
  (bytes, random) => {
    const at = Math.floor(place(bytes, random, 16) / 4) * 4;
    const view = new DataView(bytes.buffer, bytes.byteOffset);
    const value = random.pick([...oddNumbers, BigInt(bytes.length), BigInt(random.below(bytes.length))]);
    view.setBigUint64(at, BigInt.asUintN(64, value), random.below(4) > 0);
  },
  (bytes, random) => {
    const view = new DataView(bytes.buffer, bytes.byteOffset);
    view.setUint32(Math.floor(place(bytes, random, 16) / 4) * 4, Number(BigInt.asUintN(32, random.pick(oddNumbers))), true);
  },
  (bytes, random) => {
    const length = 1 + random.below(Math.min(256, bytes.length / 2));
    const from = place(bytes, random, length);
    bytes.copyWithin(place(bytes, random, length), from, from + length);
  },
  (bytes, random) => {
    const at = place(bytes, random);
    bytes.fill(random.pick([0, 0xff]), at, at + 1 + random.below(64));
  },
  changeDigit,
];

/** A digit in text: the next one behind a random place. */
function changeDigit(bytes: Uint8Array, random: Random): void {
  const from = place(bytes, random);
  for (let at = from; at < Math.min(bytes.length, from + 200); at++) {
    if (bytes[at] < 0x30 || bytes[at] > 0x39) continue;
    bytes[at] = 0x30 + random.below(10);
    return;
  }
}

/** Mostly where headers, notes and tables are; leaves `room` bytes behind it. */
function place(bytes: Uint8Array, random: Random, room = 1): number {
  const limit = random.pick([128, 512, 8192, bytes.length]);
  return random.below(Math.max(1, Math.min(limit, bytes.length - room)));
}
