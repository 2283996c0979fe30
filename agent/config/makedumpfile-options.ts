/**
 * makedumpfile's command line: which words it knows, which go together, which we refuse.
 *
 * @source makedumpfile(8)
 */
import { parseArgs } from 'node:util';
import { parseDumpLevels } from './dump-level.ts';
import type { CodecName } from '../compress/codec.ts';
import { KcaptureError, UsageError } from '../errors.ts';

export type MakedumpfileMode = 'help' | 'version' | 'rearrange' | 'reassemble' | 'dmesg' | 'mem-usage' | 'dump';

export type MakedumpfileOptions = {
  readonly mode: MakedumpfileMode;
  readonly files: readonly string[];
  readonly codec: CodecName | undefined;
  readonly levels: readonly number[];
  readonly elf: boolean;
  readonly flattened: boolean;
  readonly force: boolean;
  readonly split: boolean;
  readonly threads: number;
  readonly partialDmesg: boolean;
  readonly mmap: boolean;
  readonly vtop: bigint | undefined;
  readonly checkParams: boolean;
  readonly dryRun: boolean;
  /** Bits: 1 progress, 2 common, 4 error, 8 debug, 16 report. */
  readonly messageLevel: number;
};

export const messageBits = { progress: 1, common: 2, error: 4, debug: 8, report: 16 } as const;
const defaultMessageLevel = messageBits.progress | messageBits.common | messageBits.error;

const table = {
  c: { type: 'boolean', short: 'c' },
  l: { type: 'boolean', short: 'l' },
  p: { type: 'boolean', short: 'p' },
  z: { type: 'boolean', short: 'z' },
  d: { type: 'string', short: 'd', default: '0' },
  E: { type: 'boolean', short: 'E' },
  F: { type: 'boolean', short: 'F' },
  R: { type: 'boolean', short: 'R' },
  f: { type: 'boolean', short: 'f' },
  D: { type: 'boolean', short: 'D' },
  v: { type: 'boolean', short: 'v' },
  help: { type: 'boolean', short: 'h' },
  split: { type: 'boolean' },
  reassemble: { type: 'boolean' },
  'message-level': { type: 'string' },
  'dump-dmesg': { type: 'boolean' },
  'partial-dmesg': { type: 'boolean' },
  'num-threads': { type: 'string', default: '0' },
  'check-params': { type: 'boolean' },
  'dry-run': { type: 'boolean' },
  'show-stats': { type: 'boolean' },
  'mem-usage': { type: 'boolean' },
  vtop: { type: 'string' },
  'non-mmap': { type: 'boolean' },
  // Taken and not needed: memory is bounded without tuning, and bitmaps never go to a file.
  b: { type: 'string', short: 'b' },
  'work-dir': { type: 'string' },
  'cyclic-buffer': { type: 'string' },
  'splitblock-size': { type: 'string' },
  // Refused by name.
  x: { type: 'string', short: 'x' },
  i: { type: 'string', short: 'i' },
  g: { type: 'string', short: 'g' },
  X: { type: 'boolean', short: 'X' },
  e: { type: 'boolean', short: 'e' },
  L: { type: 'string', short: 'L' },
  config: { type: 'string' },
  eppic: { type: 'string' },
  diskset: { type: 'string', multiple: true },
  extension: { type: 'string', multiple: true },
  'xen-syms': { type: 'string' },
  'xen-vmcoreinfo': { type: 'string' },
  xen_phys_start: { type: 'string' },
} as const;

const refused = {
  x: '-x',
  i: '-i',
  g: '-g',
  X: '-X',
  e: '-e',
  L: '-L',
  config: '--config',
  eppic: '--eppic',
  diskset: '--diskset',
  extension: '--extension',
  'xen-syms': '--xen-syms',
  'xen-vmcoreinfo': '--xen-vmcoreinfo',
  xen_phys_start: '--xen_phys_start',
} as const;

type Values = ReturnType<typeof parseWords>['values'];

/** @throws UsageError on every word or combination that makedumpfile refuses, and on what we do not support. */
export function parseMakedumpfileOptions(words: readonly string[]): MakedumpfileOptions {
  const options = readOptions(words);
  checkFileCount(options);
  return options;
}

/**
 * A `core_collector`'s options: what is to be dumped and whereto is added by the one who runs it.
 * @throws UsageError also when a file is named or the options do anything but dump.
 */
export function parseCollectorOptions(words: readonly string[]): MakedumpfileOptions {
  const options = readOptions(words);
  if (options.mode !== 'dump')
    throw new UsageError('usage/combination', 'A core_collector makes a dump: found options that do something else');
  if (options.split) throw new UsageError('usage/combination', 'A core_collector makes one dump: --split cannot be used');
  if (options.dryRun || options.checkParams)
    throw new UsageError('usage/combination', 'A core_collector makes a dump: found options that only try');
  if (options.files.length > 0) {
    throw new UsageError('usage/combination', `A core_collector names no file: found "${options.files[0]}"; the dump is named for it`);
  }
  return options;
}

function readOptions(words: readonly string[]): MakedumpfileOptions {
  const { values, positionals } = parseWords(words);
  for (const [key, name] of Object.entries(refused)) {
    if (values[key as keyof Values] !== undefined) {
      throw new UsageError('usage/unsupported', `Cannot use ${name}: kcapture does not support this option of makedumpfile`);
    }
  }
  const mode = chooseMode(values);
  const options: MakedumpfileOptions = {
    mode,
    files: positionals,
    codec: values.z ? 'zstd' : values.p ? 'snappy' : values.l ? 'lzo' : values.c ? 'zlib' : undefined,
    levels: parseDumpLevels(values.d),
    elf: values.E ?? false,
    flattened: values.F ?? false,
    force: values.f ?? false,
    split: values.split ?? false,
    threads: Math.max(0, Number.parseInt(values['num-threads'], 10) || 0),
    partialDmesg: values['partial-dmesg'] ?? false,
    mmap: !values['non-mmap'],
    vtop: values.vtop === undefined ? undefined : parseVtop(values.vtop),
    checkParams: values['check-params'] ?? false,
    dryRun: values['dry-run'] ?? false,
    messageLevel: messageLevel(values),
  };
  checkCombination(options, values);
  return options;
}

function parseWords(words: readonly string[]) {
  try {
    return parseArgs({ args: words as string[], options: table, allowPositionals: true, strict: true });
  } catch (error) {
    throw new UsageError('usage/option', error instanceof Error ? error.message : String(error), { cause: error });
  }
}

function chooseMode(values: Values): MakedumpfileMode {
  if (values.help) return 'help';
  if (values.v) return 'version';
  if (values.R) return 'rearrange';
  if (values.reassemble) return 'reassemble';
  if (values['dump-dmesg']) return 'dmesg';
  if (values['mem-usage']) return 'mem-usage';
  return 'dump';
}

function messageLevel(values: Values): number {
  const text = values['message-level'];
  const level = text === undefined ? defaultMessageLevel : Number(text);
  if (text !== undefined && (!/^\d+$/.test(text) || level > 31)) {
    throw new UsageError('usage/message-level', `Cannot use the message level "${text}": expected a number from 0 to 31`);
  }
  if (values['check-params']) return defaultMessageLevel;
  return level | (values.D ? messageBits.debug : 0) | (values['show-stats'] ? messageBits.report : 0);
}

function parseVtop(text: string): bigint {
  const hexadecimal = /^0x[0-9a-f]{1,16}$/i.test(text);
  if (!hexadecimal && !/^\d{1,20}$/.test(text)) throw new KcaptureError('usage/address', `Cannot read the address "${text}"`);
  return BigInt(text);
}

function checkCombination(options: MakedumpfileOptions, values: Values): void {
  const refuse = (why: string): never => {
    throw new UsageError('usage/combination', why);
  };
  const { mode, elf, flattened, split, codec, threads, dryRun } = options;
  if (mode === 'help' || mode === 'version') return;
  if (mode === 'rearrange') {
    if (elf || flattened || split || codec !== undefined || values.d !== '0') refuse('-R goes with no option that makes a dump');
    return;
  }
  if (mode === 'reassemble') {
    if (elf || flattened || split || codec !== undefined || values.d !== '0') refuse('--reassemble goes with no option that makes a dump');
    if (dryRun) refuse('--dry-run cannot be used with --reassemble');
    return;
  }
  if (values['partial-dmesg'] && mode !== 'dmesg') refuse('--partial-dmesg goes with --dump-dmesg only');
  if (mode === 'dmesg' && dryRun) refuse('--dry-run cannot be used with --dump-dmesg');
  if (elf && codec !== undefined) refuse('-E cannot be used with -c, -l, -p or -z');
  if (flattened && split) refuse('-F cannot be used with --split');
  if (threads > 0 && split) refuse('--num-threads cannot be used with --split');
  if (threads > 0 && elf) refuse('--num-threads cannot be used with -E');
  if (split && elf) refuse('--split cannot be used with -E');
}

function checkFileCount({ mode, files, flattened, split }: MakedumpfileOptions): void {
  const refuse = (why: string): never => {
    throw new UsageError('usage/combination', why);
  };
  if (mode === 'help' || mode === 'version') return;
  if (mode === 'rearrange' && files.length !== 1) refuse('-R takes one DUMPFILE and reads standard input');
  if (mode === 'reassemble' && files.length < 3) refuse('--reassemble takes two parts or more and DUMPFILE');
  if (mode === 'rearrange' || mode === 'reassemble') return;
  const expected = mode === 'mem-usage' || flattened ? 1 : split ? 3 : 2;
  if (split ? files.length < expected : files.length !== expected) refuse(`expected ${expected} file names, found ${files.length}`);
}
