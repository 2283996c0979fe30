/**
 * Builds page tables in a `PhysicalImage`, entry by entry, the way the kernels of each machine do.
 */
import type { PhysicalImage } from './build-vmcore.ts';

/** One mapping: `bytes` from `virtual` on lead to `physical` on, in pages or blocks of `blockBytes` (default: a page). */
export type Mapping = {
  readonly virtual: bigint;
  readonly physical: number;
  readonly bytes: number;
  readonly blockBytes?: number;
};

export type TableFormat =
  | { readonly machine: 'x86_64'; readonly levels: 4 | 5; readonly smeMask?: bigint }
  | {
      readonly machine: 'aarch64';
      readonly pageSize: 4096 | 16384 | 65536;
      /** Bits the tables resolve. */
      readonly bits: number;
      /** How entries hold physical addresses above 48 bits. Default `none`: entry bits 9:8 are the shareability. */
      readonly wide?: 'none' | 'lpa' | 'lpa2';
    };

export type PageTableOptions = {
  readonly format: TableFormat;
  /** Physical address of the top table. */
  readonly root: number;
  /** Further tables are laid one after another from here on. */
  readonly tables: number;
  readonly mappings: readonly Mapping[];
};

/**
 * Writes the tables into `image`.
 * @returns the first physical address behind the last table.
 */
export function buildPageTable(image: PhysicalImage, options: PageTableOptions): number {
  const { format } = options;
  const tableBytes = format.machine === 'x86_64' ? 4096 : format.pageSize;
  const levels = levelsOf(format);
  const known = new Map<string, number>();
  let next = options.tables;
  image.write(options.root, new Uint8Array(levels[0].entries * 8));

  const tableAt = (depth: number, virtual: bigint): number => {
    if (depth === 0) return options.root;
    const key = `${depth}:${virtual >> BigInt(levels[depth - 1].shift)}`;
    let table = known.get(key);
    if (table === undefined) {
      table = next;
      next += tableBytes;
      known.set(key, table);
      image.write(table, new Uint8Array(tableBytes));
      image.writeU64(entryAddress(tableAt(depth - 1, virtual), levels[depth - 1], virtual), encode(format, table, 'table'));
    }
    return table;
  };

  for (const { virtual, physical, bytes, blockBytes = tableBytes } of options.mappings) {
    const depth = levels.findIndex(({ shift }) => 2 ** shift === blockBytes);
    if (depth < 0) throw new Error(`Cannot map blocks of ${blockBytes} bytes: no level has them`);
    const kind = depth === levels.length - 1 ? 'page' : 'block';
    for (let done = 0; done < bytes; done += blockBytes) {
      const at = virtual + BigInt(done);
      image.writeU64(entryAddress(tableAt(depth, at), levels[depth], at), encode(format, physical + done, kind));
    }
  }
  return next;
}

type BuiltLevel = { readonly shift: number; readonly entries: number };

function levelsOf(format: TableFormat): BuiltLevel[] {
  if (format.machine === 'x86_64') return [48, 39, 30, 21, 12].slice(-format.levels).map((shift) => ({ shift, entries: 512 }));
  const pageShift = Math.log2(format.pageSize);
  const levels: BuiltLevel[] = [];
  for (let shift = pageShift; shift < format.bits; shift += pageShift - 3) {
    levels.unshift({ shift, entries: 2 ** Math.min(pageShift - 3, format.bits - shift) });
  }
  return levels;
}

function entryAddress(table: number, level: BuiltLevel, virtual: bigint): number {
  return table + Number((virtual >> BigInt(level.shift)) % BigInt(level.entries)) * 8;
}

function encode(format: TableFormat, physical: number, kind: 'table' | 'block' | 'page'): bigint {
  const address = BigInt(physical);
  if (format.machine === 'x86_64') {
    // Present, writable, accessed, dirty, no-execute, and in a last-level entry the bit that means "block" higher up (PAT).
    const attributes = kind === 'table' ? 0x63n : kind === 'block' ? (1n << 63n) | 0xe3n : (1n << 63n) | 0xe3n;
    return address | attributes | (format.smeMask ?? 0n);
  }
  // Access flag, no-execute, and the software bits the kernel uses; shareability only where the address leaves it free.
  const attributes = (kind === 'block' ? 0x1n : 0x3n) | (kind === 'table' ? 0n : (1n << 54n) | (1n << 55n) | 0x400n);
  if (format.wide === 'lpa') return (address & 0xffff_ffff_ffffn) | ((address >> 48n) << 12n) | attributes | 0x300n;
  if (format.wide === 'lpa2') return (address & 0x3_ffff_ffff_ffffn) | ((address >> 50n) << 8n) | attributes;
  return address | attributes | 0x300n;
}
