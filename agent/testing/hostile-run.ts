/**
 * Runs a command on damaged files and judges what came of it: an answer or a clear error, never a fault of our own; and a dump that
 * claims success holds the pages of its source, bit for bit.
 */
import { run } from '../cli.ts';
import type { CodecName, PageCodec } from '../compress/codec.ts';
import { exitCodes, KcaptureError } from '../errors.ts';
import { asKdump, openSource } from '../format/open-source.ts';
import type { PhysicalMemory } from '../vmcore/physical-memory.ts';
import { openBytes } from './bytes-file.ts';
import type { MemorySystem } from './memory-system.ts';

const build = { version: '0', commit: 'test', runtime: 'node', arch: 'x64' };

/** Name of the file every command writes to. */
export const outName = 'out';

export type Files = { readonly [name: string]: Uint8Array };

/**
 * Runs one command line.
 * @param sources names of the files that the output is made from.
 * @returns what is wrong with the outcome; `undefined` when nothing is.
 */
export async function judgeRun(
  system: MemorySystem,
  files: Files,
  words: readonly string[],
  sources: readonly string[],
): Promise<string | undefined> {
  system.reset([]);
  for (const [name, bytes] of Object.entries(files)) system.contents.set(name, bytes);
  const exit = await run(system, build, words);
  const { out, error } = system.printed;
  const wrong = judgeText(exit, out, error);
  if (wrong !== undefined) return wrong;
  if (words[0] !== 'dump' || words.includes('--dry-run')) return undefined;
  const dumps = [...system.contents].filter(([name]) => !(name in files));
  return judgeDumps(system.openCodec, exit, files, dumps, sources);
}

/** @returns what is wrong with what a command said. */
export function judgeText(exit: number, out: string, error: string): string | undefined {
  if (!(exit in exitCodes)) return `exit code ${exit}: ${error}`;
  if (error.includes('internal error')) return error.trim().split('\n').slice(0, 6).join('\n');
  if (exit === 0) return undefined;
  if (exit === 3) return /^INCOMPLETE|"complete": false/m.test(out) ? undefined : `exit code 3 without a word: ${out}${error}`;
  return /^kcapture: Cannot \S/.test(error) ? undefined : `exit code ${exit} says "${error}"`;
}

type Entries = readonly (readonly [name: string, bytes: Uint8Array])[];
type OpenCodec = (name: CodecName) => PageCodec;

/** @returns what is wrong with the files a command left. */
export function judgeDumps(
  openCodec: OpenCodec,
  exit: number,
  files: Files,
  dumps: Entries,
  sources: readonly string[],
): string | undefined {
  const finished = dumps.filter(([name]) => !name.endsWith('-incomplete'));
  if (exit === 1) {
    return finished.length === 0 ? undefined : `exit code 1 left "${finished[0][0]}" behind`;
  }
  try {
    const copy = openSource(
      dumps.map(([name, bytes]) => openBytes(bytes, name)),
      openCodec,
      { salvage: exit === 3 },
    );
    if (exit === 3) return asKdump(copy)?.incomplete === false ? 'exit code 3, and the dump is not marked incomplete' : undefined;
    const original = openSource(
      sources.map((name) => openBytes(files[name], name)),
      openCodec,
    );
    return comparePages(original, copy);
  } catch (error) {
    if (error instanceof KcaptureError) return `exit code ${exit}, and what was written cannot be read: ${error.message}`;
    throw error;
  }
}

/** Every page of the copy. */
function comparePages(original: PhysicalMemory, copy: PhysicalMemory): string | undefined {
  const { pageSize } = copy;
  if (original.pageSize !== pageSize) return `pages of ${pageSize} bytes, expected ${original.pageSize}`;
  const expected = new Uint8Array(pageSize);
  const found = new Uint8Array(pageSize);
  for (const { start, end } of copy.ranges) {
    for (let pfn = start; pfn < end; pfn++) {
      original.read(pfn * pageSize, expected);
      copy.read(pfn * pageSize, found);
      if (Buffer.compare(expected, found) !== 0) return `page frame ${pfn} is not what it is in the source`;
    }
  }
  return undefined;
}
