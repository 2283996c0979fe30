/**
 * `core_collector CMD`: which program does the work, or, since that program's work is what kcapture does itself, what it is told to do.
 *
 * `makedumpfile` and `kcapture dump`: kcapture's own dump by these options. `cp` and `scp`: everything, as ELF. Any other: a program of the
 * administrator's.
 */
import { UsageError } from '../errors.ts';
import { readCodec } from './codec-choice.ts';
import { badValue } from './config-error.ts';
import type { Collector } from './configuration.ts';
import { type MakedumpfileOptions, parseCollectorOptions } from './makedumpfile-options.ts';
import { quote } from './problem.ts';
import { checkAbsolute } from './values.ts';
import { splitWords } from './words.ts';

export type OwnCollector = Extract<Collector, { kind: 'own' }>;

/** @throws ConfigError `config/value` for options that kcapture does not have, with the reason. */
export function readCollector(value: string): Collector {
  const words = splitWords(value);
  const [program, ...options] = words;
  if (program === undefined || program === '') throw badValue('Cannot use an empty core_collector: expected a program');
  const name = program.replace(/^.*\//, '');
  if (name === 'cp' || name === 'scp')
    return { kind: 'own', levels: [0], codec: undefined, codecLevel: undefined, format: 'elf', flattened: false, threads: 0 };
  if (name === 'makedumpfile') return fromMakedumpfile(parseWords(options));
  if (name === 'kcapture' && options[0] === 'dump') return fromKcaptureDump(options.slice(1));
  if (program.includes('/')) checkAbsolute(program);
  return { kind: 'program', argv: words };
}

/** `-F` is taken and forgotten: as with kdump it is the target that decides, and one that takes a stream needs no telling. */
function fromMakedumpfile({ levels, codec, elf, threads }: MakedumpfileOptions): OwnCollector {
  return { kind: 'own', levels, codec, codecLevel: undefined, format: elf ? 'elf' : 'kdump', flattened: false, threads };
}

/** `kcapture dump` has makedumpfile's short options and some of its own; its defaults are zstd and 31. */
function fromKcaptureDump(words: readonly string[]): OwnCollector {
  let codec: string | undefined;
  let level: string | undefined;
  const rest: string[] = [];
  const named = words.flatMap((word) => word.match(/^(--[a-z-]+)=(.*)$/s)?.slice(1, 3) ?? [word]);
  for (let i = 0; i < named.length; i++) {
    if (named[i] === '--compress') codec = named[++i] ?? '';
    else if (named[i] === '--level') level = named[++i] ?? '';
    else rest.push(kcaptureWords[named[i]] ?? named[i]);
  }
  const options = parseWords(rest);
  const hasLevel = rest.some((word) => /^-\w*d/.test(word));
  const choice = readCodec(`${codec ?? options.codec ?? (options.elf ? 'none' : 'zstd')}${level === undefined ? '' : `:${level}`}`);
  return { ...fromMakedumpfile(options), ...choice, levels: hasLevel ? options.levels : [31] };
}

const kcaptureWords: Readonly<Record<string, string>> = { '--dump-level': '-d', '--elf': '-E', '--flatten': '-F', '--force': '-f' };

/** @throws ConfigError instead of UsageError */
function parseWords(words: readonly string[]): MakedumpfileOptions {
  try {
    return parseCollectorOptions(words);
  } catch (error) {
    if (!(error instanceof UsageError)) throw error;
    const hint = error.hint ?? 'kcapture does the work of makedumpfile itself; see "kcapture dump --help" for what it can be told';
    throw badValue(`Cannot use ${quote(words.join(' '))} as options of the collector: ${error.message}`, hint);
  }
}
