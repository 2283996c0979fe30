/**
 * Our filter against makedumpfile's: every class's count, and the bitmap of kept pages bit for bit.
 *
 * makedumpfile adds up the sizes of the vmcore's memory ranges, so its "Original" and "Remaining" count pages in two ranges (the kernel's text
 * has one of its own) twice. That many, counted independently, are taken off; its bitmaps are right.
 *
 * Where a release of makedumpfile is known to be wrong about tail pages, each page it drops and we keep must be one it mistook, by the kernel's own
 * record of the page; nothing else may differ.
 */
import type { Checks } from './checks.ts';
import { compareBitmaps, countSetBits, readKdumpBitmaps } from './kdump-bitmaps.ts';
import { parseReport, type ReportedCounts, runMakedumpfile, type Witness } from './makedumpfile.ts';
import { runNewestDrgn, runPython } from './python.ts';

export type OurDump = { readonly path: string; readonly pages: ReportedCounts };

type StructPage = { readonly pfn: number; readonly flags: string; readonly compound: string; readonly mapping: string };

/**
 * @param level The dump level ours was made with.
 * @param scratch A path for makedumpfile's dump.
 */
export function checkPageFilter(checks: Checks, witness: Witness, level: number, ours: OurDump, raw: string, scratch: string): void {
  const theirs = withoutOverlap(parseReport(runMakedumpfile(witness, ['-l', '-d', `${level}`], raw, scratch)), raw);
  const [left, right] = [readKdumpBitmaps(ours.path), readKdumpBitmaps(scratch)];
  checks.equal([left.endPfn, left.dumpLevel], [right.endPfn, right.dumpLevel], `level ${level}: highest page frame and dump level`);
  checks.ok(
    left.exists.equals(right.exists),
    `level ${level}: first bitmap is makedumpfile's bit for bit (${countSetBits(left.exists)} pages exist)`,
  );
  if (!witness.exact) return checkAgainstMistakenFilter(checks, level, ours, theirs, raw, compareBitmaps(left.holds, right.holds));
  for (const [name, pages] of Object.entries(theirs))
    checks.equal(ours.pages[name as keyof ReportedCounts], pages, `level ${level}: ${name} pages`);
  const { onlyFirst, onlySecond } = compareBitmaps(left.holds, right.holds);
  const detail = `only ours: ${onlyFirst.length} pages, ${onlyFirst.slice(0, 20)}\nonly makedumpfile's: ${onlySecond.length} pages, ${onlySecond.slice(0, 20)}`;
  const equal = onlyFirst.length + onlySecond.length === 0;
  checks.ok(equal, `level ${level}: second bitmap is makedumpfile's bit for bit (${countSetBits(left.holds)} pages in the dump)`, detail);
}

/** The report with pages in two memory ranges counted once. */
export function withoutOverlap(report: ReportedCounts, raw: string): ReportedCounts {
  const overlap = runPython<number>('overlap.py', [raw]);
  return { ...report, original: report.original - overlap, kept: report.kept - overlap };
}

/**
 * A tail page says so in bit 0 of page.compound_info. A filter that does not read it takes the first tail page for a page of its own, and what
 * stands there in the place of a mapping, the map count of the whole compound page, is -1 as long as nobody maps it: bit 0 is set, as in
 * the mapping of an anonymous page.
 */
function checkAgainstMistakenFilter(
  checks: Checks,
  level: number,
  ours: OurDump,
  theirs: ReportedCounts,
  raw: string,
  { onlyFirst, onlySecond }: { readonly onlyFirst: readonly number[]; readonly onlySecond: readonly number[] },
): void {
  for (const name of ['original', 'cache', 'cachePrivate', 'free', 'hwpoison', 'offline'] as const) {
    checks.equal(ours.pages[name], theirs[name], `level ${level}: ${name} pages`);
  }
  checks.equal(onlySecond.length, 0, `level ${level}: no page that makedumpfile keeps is missing`);
  checks.equal(
    theirs.user - ours.pages.user,
    onlyFirst.length,
    `level ${level}: all ${onlyFirst.length} pages it drops beyond ours count as user pages`,
  );
  const records = runNewestDrgn<readonly StructPage[]>('struct_pages.py', [raw], onlyFirst.join('\n'));
  const isTail = ({ compound }: StructPage) => BigInt(compound) % 2n === 1n;
  const looksAnonymous = ({ mapping }: StructPage) => BigInt(mapping) % 2n === 1n;
  const others = records.filter((record) => !isTail(record) || !looksAnonymous(record));
  checks.equal(others, [], `level ${level}: each of them is the tail of a compound page whose record only looks anonymous`);
}
