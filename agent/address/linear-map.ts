/**
 * The last means when a page table cannot be read: the part of the address space that maps memory in one piece, known by arithmetic.
 *
 * On both machines the PT_LOADs of a vmcore name the linear-map address of each memory range (0 on kernels that do not tell), and on x86_64
 * that of the kernel image too. It never replaces a page table that can be read: an address that is not mapped stays so.
 */
import type { PhysAddr, VirtAddr } from '../binary/units.ts';
import type { LoadSegment } from '../vmcore/physical-memory.ts';
import { AddressError, type Translation, type Translator } from './translator.ts';

export type LinearAddress = (address: VirtAddr) => PhysAddr | undefined;

/** Physical address by the PT_LOADs' virtual addresses. */
export function linearByLoads(segments: readonly LoadSegment[]): LinearAddress {
  return (address) => {
    const found = segments.find(
      ({ virtualAddress, memoryBytes }) =>
        virtualAddress !== 0n && address >= virtualAddress && address - virtualAddress < BigInt(memoryBytes),
    );
    return found === undefined ? undefined : found.physicalAddress + Number(address - found.virtualAddress);
  };
}

/** A translator that asks the page tables, and `linear` where a table is not in the file. */
export class LinearFallbackTranslator implements Translator {
  readonly #tables: Translator;
  readonly #linear: LinearAddress;
  readonly #pageSize: number;

  constructor(tables: Translator, linear: LinearAddress, pageSize: number) {
    this.#tables = tables;
    this.#linear = linear;
    this.#pageSize = pageSize;
  }

  translate(address: VirtAddr): Translation | undefined {
    try {
      return this.#tables.translate(address);
    } catch (error) {
      const physical = error instanceof AddressError ? this.#linear(address) : undefined;
      if (physical === undefined) throw error;
      return { physical, contiguousBytes: this.#pageSize - (physical % this.#pageSize) };
    }
  }
}
