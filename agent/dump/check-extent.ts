/** Keeps one wrong address in a program header from deciding how large the bitmaps of the dump are. */
import { formatBytes, hex } from '../binary/units.ts';
import type { PhysicalMemory } from '../vmcore/physical-memory.ts';
import { VmcoreError } from '../vmcore/memory-file.ts';

/** Page frames that are believed of any file: bitmaps of 2 MiB. */
const believedPfns = 2 ** 24;
/**
 * Bytes of bitmap for a byte of memory that the file has. Machines with most of their memory above 8 TiB exist; a filtered ELF dump of one can be
 * smaller than its bitmap.
 */
const mostBitmapBytes = 4;

/**
 * Bitmaps have a bit for every page frame up to the last one, there or not. They come near the size of the memory itself only when an
 * address is wrong. A dump brings bitmaps of its own, which its file has to hold.
 *
 * @throws VmcoreError `vmcore/bad-header` when the bitmap is out of all proportion to the memory that is there.
 */
export function checkExtent(memory: PhysicalMemory): void {
  if (memory.kind !== 'elf' || memory.endPfn <= believedPfns) return;
  const heldBytes = memory.pageSize * memory.ranges.reduce((pages, { start, end }) => pages + end - start, 0);
  const mostPfns = Math.max(believedPfns, heldBytes * mostBitmapBytes * 8);
  if (memory.endPfn <= mostPfns) return;
  const found = `its memory ends at physical ${hex(memory.endPfn * memory.pageSize)}, and only ${formatBytes(heldBytes)} of it are there`;
  const expected = `an end below ${hex(mostPfns * memory.pageSize)}`;
  throw new VmcoreError('vmcore/bad-header', `Cannot dump "${memory.path}": ${found}, expected ${expected}`, {
    where: `"${memory.path}"`,
    hint: 'A program header is damaged: "readelf -l" shows which',
  });
}
