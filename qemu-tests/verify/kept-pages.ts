/** Every page of a dump, read through libkdumpfile, against the raw vmcore; and the dump opened by drgn. */
import type { Checks } from './checks.ts';
import { readKdumpBitmaps } from './kdump-bitmaps.ts';
import { runNewestDrgn, runPython } from './python.ts';

type DrgnResult = { readonly linuxKernel: boolean; readonly equal: number; readonly zerosLeftOut: number };

export function checkKeptPages(checks: Checks, dump: string, raw: string, name: string): void {
  const { pages, equal, differing } = runPython<{ pages: number; equal: number; differing: number[] }>('kept_pages.py', [dump, raw]);
  checks.ok(
    pages > 0 && equal === pages,
    `${name}: all ${pages} pages equal the raw memory, read through libkdumpfile`,
    `differing: ${differing}`,
  );
}

/** @param bitmapsOf A kdump-compressed file with the same pages, to know which may be asked for. Every 64th page is read. */
export function checkDrgn(checks: Checks, dump: string, raw: string, bitmapsOf: string, name: string, leavesOutZeros = false): void {
  const { holds } = readKdumpBitmaps(bitmapsOf);
  const held: number[] = [];
  for (let pfn = 0; pfn < holds.length * 8; pfn += 1) if (holds[pfn >>> 3] & (1 << (pfn & 7))) held.push(pfn);
  const asked = held.filter((_, index) => index % 64 === 0);
  const { linuxKernel, equal, zerosLeftOut } = runNewestDrgn<DrgnResult>('drgn_open.py', [dump, raw], asked.join('\n'));
  // An ELF dump leaves out zero pages for good; a kdump-compressed one has a descriptor for each.
  const right = equal + (leavesOutZeros ? zerosLeftOut : 0);
  checks.ok(
    linuxKernel && right === asked.length,
    `${name}: drgn opens it and reads ${asked.length} pages right`,
    `right ${right}, kernel ${linuxKernel}`,
  );
}
