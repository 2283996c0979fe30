/** A small crashed machine with everything a capture looks at: a kernel log, pages of every class, and a name. */
import { buildLocklessLog, type TestRecord } from './build-log.ts';
import { buildMemMap, type MemMapOptions } from './build-mem-map.ts';
import { fillMixedPage } from './pattern.ts';

const logPages = 32;
const words = `0x0-0x1f kernel; 0x20-0x3f anon; 0x40-0x4f cache; 0x50-0x5f free order 4; 0x60-0x1ff kernel`;

export const crashPanic = 'Kernel panic - not syncing: sysrq triggered crash';
const records: readonly TestRecord[] = [{ text: 'Linux version 5.10.0' }, { text: crashPanic }];

/** What both builders say; the page map's own holds. */
const shared =
  /^(OSRELEASE|PAGESIZE|CRASHTIME|SYMBOL\((swapper_pg_dir|init_top_pgt|mem_map|_stext)\)|OFFSET\((uts|page)|SIZE\(page\)|NUMBER)/;

export type CrashOptions = { readonly vmcoreinfo?: MemMapOptions['vmcoreinfo'] };

/** The machine as a vmcore. Two thirds of the kernel's pages are not zero, half of those hard to compress. */
export function buildCrash(options: CrashOptions = {}): Uint8Array<ArrayBuffer> {
  const log = buildLocklessLog(records);
  if (log.bytes.length > logPages * 4096) throw new Error(`Cannot place a log of ${log.bytes.length} bytes`);
  const lines = log.vmcoreinfo.split('\n').filter((line) => line !== '' && !shared.test(line));
  const logKeys = Object.fromEntries(lines.map((line) => [line.slice(0, line.indexOf('=')), line.slice(line.indexOf('=') + 1)]));
  return buildMemMap(words, {
    kernelBytes: logPages * 4096,
    vmcoreinfo: { ...logKeys, ...options.vmcoreinfo },
    fill: (pfn, page) => fillPage(log.bytes, pfn, page),
  }).vmcore();
}

function fillPage(log: Uint8Array, pfn: number, page: Uint8Array): void {
  if (pfn < logPages) return page.set(log.subarray(pfn * 4096, (pfn + 1) * 4096));
  fillMixedPage(pfn, page);
}
