/**
 * A page table walk for any paging mode: which bits of the address pick the entry at each level is data, what an entry means is the
 * architecture's `decode`.
 *
 * Comes in: physical memory, the top table, the mode. Goes out: translations. The walk is as deep as the mode has levels, whatever the
 * entries say: a table that leads to itself ends like any other.
 */
import { hex, type PhysAddr, type VirtAddr } from '../binary/units.ts';
import { KcaptureError } from '../errors.ts';
import type { PhysicalMemory } from '../vmcore/physical-memory.ts';
import { TableCache } from './table-cache.ts';
import { AddressError, type Translation, type Translator } from './translator.ts';

/** One level: `shift` is the lowest address bit that picks its entry, `bits` how many of them there are. */
export type Level = { readonly shift: number; readonly bits: number };

/** What an entry leads to. `address` of a page or block may carry bits below its size: they are cut off. */
export type Entry =
  | { readonly kind: 'none' }
  | { readonly kind: 'table'; readonly address: bigint }
  | { readonly kind: 'page'; readonly address: bigint };

export type PagingMode = {
  /** For messages: `x86_64, 4 levels`. */
  readonly name: string;
  /** Physical address of the top table. */
  readonly root: PhysAddr;
  /** From the top down. */
  readonly levels: readonly Level[];
  /** The lowest address the kernel's tables can map. */
  readonly firstAddress: VirtAddr;
  /** The address as the tables know it: without the tag some kernels keep in the top byte. */
  untag(address: VirtAddr): VirtAddr;
  /** @param isLast at the last level, where entries lead to pages only. */
  decode(entry: bigint, level: Level, isLast: boolean): Entry;
};

const ADDRESS_END = 1n << 64n;

type Found = { readonly entry: Entry; readonly level: Level; readonly address: VirtAddr };

export class PageTableTranslator implements Translator {
  readonly #mode: PagingMode;
  readonly #cache: TableCache;

  constructor(memory: PhysicalMemory, mode: PagingMode) {
    this.#mode = mode;
    this.#cache = new TableCache(memory);
  }

  translate(address: VirtAddr): Translation | undefined {
    const found = this.#walk(address);
    if (found === undefined || found.entry.kind !== 'page') return undefined;
    const size = 1n << BigInt(found.level.shift);
    const inPage = found.address & (size - 1n);
    const start = found.entry.address & ~(size - 1n);
    return { physical: Number(start + inPage), contiguousBytes: Number(size - inPage) };
  }

  /** The entry at which the walk ends: an empty one, or one that maps a page. */
  #walk(given: VirtAddr): Found | undefined {
    const address = this.#mode.untag(given);
    if (address < this.#mode.firstAddress || address >= ADDRESS_END) return undefined;
    let table = this.#mode.root;
    const last = this.#mode.levels.length - 1;
    for (let i = 0; i <= last; i++) {
      const level = this.#mode.levels[i];
      const index = Number(BigInt.asUintN(level.bits, address >> BigInt(level.shift)));
      const entry = this.#mode.decode(this.#read(table + index * 8, address), level, i === last);
      if (entry.kind !== 'table') return { entry, level, address };
      table = Number(entry.address);
    }
    throw new AddressError('address/bad-table', `Cannot translate ${hex(address)}: the last table leads to another one`);
  }

  #read(at: PhysAddr, address: VirtAddr): bigint {
    try {
      return this.#cache.readU64(at);
    } catch (error) {
      if (!(error instanceof KcaptureError)) throw error;
      const message = `Cannot translate ${hex(address)} (${this.#mode.name}): its page table at physical ${hex(at)} is not in the file`;
      throw new AddressError('address/bad-table', message, { where: `physical ${hex(at)}`, cause: error });
    }
  }
}
