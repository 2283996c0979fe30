/** `compress CODEC[:LEVEL]`, or the level behind a blank; `auto` for one that follows the target. */
import type { CodecName } from '../compress/codec.ts';
import { badValue } from './config-error.ts';
import { quote } from './problem.ts';
import { chooseFrom } from './values.ts';

export type CodecChoice = { readonly codec: CodecName | undefined; readonly codecLevel: number | 'auto' | undefined };

const codecs = ['zstd', 'lzo', 'snappy', 'zlib', 'none'] as const;

/** Levels that a codec has; the others have none. @source zstd.h ZSTD_minCLevel and above it what pays, zlib.h */
const levels: Partial<Record<CodecName, readonly [least: number, most: number]>> = { zstd: [-7, 19], zlib: [1, 9] };

/** @throws ConfigError `config/value` */
export function readCodec(value: string): CodecChoice {
  const [, name, digits] = value.match(/^([^:\s]*)(?:(?::|\s+)(\S*))?$/) ?? ['', value, undefined];
  const codec = chooseFrom(codecs, name);
  if (digits === undefined) return { codec: codec === 'none' ? undefined : codec, codecLevel: undefined };
  const range = codec === 'none' ? undefined : levels[codec];
  if (codec === 'none' || range === undefined) throw badValue(`Cannot use ${quote(value)}: ${codec} has no levels`, `Write "${codec}"`);
  if (digits === 'auto') return { codec, codecLevel: checkAuto(codec) };
  const level = /^-?\d{1,3}$/.test(digits) ? Number(digits) : Number.NaN;
  if (!(level >= range[0] && level <= range[1])) {
    throw badValue(`Cannot use ${quote(value)}: expected a level of ${codec} from ${range[0]} to ${range[1]}`);
  }
  return { codec, codecLevel: level };
}

function checkAuto(codec: CodecName): 'auto' {
  if (codec === 'zstd') return 'auto';
  throw badValue(`Cannot change the level of ${codec} while a dump is written`, 'Write "zstd auto", or a level');
}

export function formatCodec({ codec, codecLevel }: CodecChoice): string {
  return `${codec ?? 'none'}${codecLevel === undefined ? '' : `:${codecLevel}`}`;
}
