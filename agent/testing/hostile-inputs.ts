/** Small sound files of every kind that commands take: what damage is done to. */
import { run } from '../cli.ts';
import { buildLocklessLog, buildLogVmcore, buildPlainLog, buildRecordLog } from './build-log.ts';
import { buildMemMap } from './build-mem-map.ts';
import type { EraName } from './kernel-eras.ts';
import type { Files } from './hostile-run.ts';
import type { MemorySystem } from './memory-system.ts';

/** Every class of pages, in 22 of them. */
export const pageClasses =
  '0x0-0x7 free order 3; 0x8-0x9 anon; 0xa cache; 0xb cache private; 0xc-0xd kernel; 0xe offline; 0xf kernel hwpoison; ' +
  '0x10-0x13 anon order 2; 0x14-0x15 slab order 1; 0x16-0x1ff hole';
export const classifiedPages = 0x16;

/** A third of the pages are zeros, a third are text-like, a third are noise. */
export function fillPage(pfn: number, page: Uint8Array): void {
  if (pfn % 3 === 0) return;
  for (let i = 0; i < page.length; i++) page[i] = pfn % 3 === 1 ? (i * pfn) >> 5 : Math.imul(i + pfn * 4096, 0x9e3779b1) >>> 24;
}

export function buildVictim(era: EraName = '5.10') {
  return buildMemMap(pageClasses, { era, fill: fillPage });
}

const records = [{ text: 'Linux version' }, { text: 'two\nlines' }, { text: 'BUG: unable to handle page fault' }, { text: 'Call Trace:' }];

export function buildLogVictims(): { readonly [kind: string]: Uint8Array } {
  return {
    lockless: buildLogVmcore(buildLocklessLog(records, { countBits: 3, sizeBits: 8 })),
    record: buildLogVmcore(buildRecordLog(records, { bufferBytes: 256 })),
    plain: buildLogVmcore(buildPlainLog('<4>one\n<4>BUG: two\n', { bufferBytes: 64 })),
  };
}

const build = { version: '0', commit: 'test', runtime: 'node', arch: 'x64' };

/** What a command makes of the files, by name. Throws when it fails. */
export async function makeFiles(system: MemorySystem, files: Files, ...words: string[]): Promise<Files> {
  system.reset([]);
  for (const [name, bytes] of Object.entries(files)) system.contents.set(name, bytes);
  const exit = await run(system, build, words);
  if (exit !== 0) throw new Error(`${words.join(' ')}: ${system.printed.error}`);
  return Object.fromEntries([...system.contents].filter(([name]) => !(name in files)));
}
