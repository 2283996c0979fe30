/**
 * The virtual memory of the crashed kernel, little endian.
 *
 * Comes in: its physical memory and a translator. Goes out: bytes, scalars and texts at virtual addresses. Neighbouring reads
 * share a translation.
 */
import { decodeText } from '../binary/text.ts';
import { hex, type PhysAddr, type VirtAddr } from '../binary/units.ts';
import type { PhysicalMemory } from '../vmcore/physical-memory.ts';
import { AddressError, type Translation, type Translator } from './translator.ts';

export class VirtualMemory implements Translator {
  readonly #memory: PhysicalMemory;
  readonly #translator: Translator;
  readonly #scalar = new Uint8Array(8);
  readonly #view = new DataView(this.#scalar.buffer);
  /** The mapping used last: `#start … #end` leads to `#physical`. */
  #start: VirtAddr = 0n;
  #end: VirtAddr = 0n;
  #physical: PhysAddr = 0;

  constructor(memory: PhysicalMemory, translator: Translator) {
    this.#memory = memory;
    this.#translator = translator;
  }

  /** @throws AddressError `address/bad-table`. */
  translate(address: VirtAddr): Translation | undefined {
    if (address < this.#start || address >= this.#end) {
      const found = this.#translator.translate(address);
      if (found === undefined) return undefined;
      this.#start = address;
      this.#end = address + BigInt(found.contiguousBytes);
      this.#physical = found.physical;
    }
    const done = Number(address - this.#start);
    return { physical: this.#physical + done, contiguousBytes: Number(this.#end - this.#start) - done };
  }

  /**
   * Copies `target.length` bytes from `address`, across pages.
   * @throws AddressError `address/not-mapped`, `address/bad-table`; VmcoreError when the page is not in the file.
   */
  read(address: VirtAddr, target: Uint8Array): void {
    for (let done = 0; done < target.length; ) {
      const { physical, contiguousBytes } = this.#need(address + BigInt(done));
      const length = Math.min(contiguousBytes, target.length - done);
      this.#memory.read(physical, target.subarray(done, done + length));
      done += length;
    }
  }

  u8(address: VirtAddr): number {
    return this.#load(address, 1).getUint8(0);
  }

  u16(address: VirtAddr): number {
    return this.#load(address, 2).getUint16(0, true);
  }

  u32(address: VirtAddr): number {
    return this.#load(address, 4).getUint32(0, true);
  }

  i32(address: VirtAddr): number {
    return this.#load(address, 4).getInt32(0, true);
  }

  u64(address: VirtAddr): bigint {
    return this.#load(address, 8).getBigUint64(0, true);
  }

  /** The text up to a NUL, or of `maxBytes` bytes. Nothing behind the NUL is read. */
  text(address: VirtAddr, maxBytes: number): string {
    const bytes = new Uint8Array(maxBytes);
    for (let done = 0; done < maxBytes; ) {
      const { contiguousBytes } = this.#need(address + BigInt(done));
      const length = Math.min(contiguousBytes, maxBytes - done, this.#memory.pageSize);
      const piece = bytes.subarray(done, done + length);
      this.read(address + BigInt(done), piece);
      if (piece.includes(0)) break;
      done += length;
    }
    return decodeText(bytes);
  }

  #load(address: VirtAddr, length: number): DataView {
    this.read(address, this.#scalar.subarray(0, length));
    return this.#view;
  }

  #need(address: VirtAddr): Translation {
    const found = this.translate(address);
    if (found !== undefined) return found;
    throw new AddressError('address/not-mapped', `Cannot read virtual memory at ${hex(address)}: no page table entry maps it`);
  }
}
