/**
 * The table of kernels the scenarios crash: Debian's cloud kernels, one for each suite, with the CPU and memory layout they get.
 *
 * Between them the rows cover 4- and 5-level page tables, the oldest CPU the executable runs on, and memory on both sides of the 4 GiB border.
 */

export type Kernel = {
  /** The name scenarios and people use, e.g. `6.1`. */
  readonly name: string;
  /** The Debian suite whose `linux-image-cloud-amd64` is taken. */
  readonly suite: string;
  /**
   * QEMU's `-cpu`. Never the default: it lacks SSE4.2, without which the executable dies. CMPXCHG16B is taken away because QEMU 7.2 sometimes
   * returns from it with garbage in EFLAGS (seen: a double fault in the 6.12 kernel's kmalloc); kernels then use another way.
   */
  readonly cpu: string;
  readonly memoryMiB: number;
  /** Guest memory above this border is placed from 4 GiB on. `undefined`: all of it lies below. */
  readonly lowMemoryMiB?: number;
};

export const kernels: readonly Kernel[] = [
  { name: '5.10', suite: 'bullseye', cpu: 'Nehalem,-cx16', memoryMiB: 1280 },
  { name: '6.1', suite: 'bookworm', cpu: 'max,-la57,-cx16', memoryMiB: 1536, lowMemoryMiB: 1024 },
  { name: '6.12', suite: 'trixie', cpu: 'max,-cx16', memoryMiB: 1280 },
  { name: '7.2', suite: 'sid', cpu: 'max,-cx16', memoryMiB: 1536 },
];

/**
 * For every guest's command line: on a busy host an emulated CPU may not get to run while the kernel counts timer interrupts, and the kernel then
 * panics with "IO-APIC + timer doesn't work!".
 */
export const guestWords = 'no_timer_check';

/** @throws Error when no row has that name. */
export function findKernel(name: string): Kernel {
  const kernel = kernels.find((row) => row.name === name);
  if (kernel === undefined) throw new Error(`Cannot find kernel "${name}": expected one of ${kernels.map((row) => row.name).join(', ')}`);
  return kernel;
}
