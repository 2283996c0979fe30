/** What a kernel pointer to struct pages can be, whatever the architecture's address layout. */
import type { VirtAddr } from '../binary/units.ts';

/** Kernel halves start at 0xffff800000000000 (48 bits), 0xfff0000000000000 (aarch64, 52), 0xff00000000000000 (x86_64, 57). */
const lowestKernelAddress = 0xff00000000000000n;
const highestKernelAddress = 0xffffffffffffffffn;

export function isKernelAddress(address: VirtAddr): boolean {
  return address >= lowestKernelAddress && address <= highestKernelAddress;
}

/** Struct pages are made of 64 bit words, so they start at a multiple of 8. */
export function isStructPageAddress(address: VirtAddr): boolean {
  return isKernelAddress(address) && (address & 7n) === 0n;
}
