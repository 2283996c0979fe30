/**
 * A small made-up machine for tests of dump formats: which page frames exist and what they hold, and the ELF core
 * that makedumpfile takes as its vmcore. It has no kernel data structures.
 */
import { encodeText } from '../binary/text.ts';
import type { Pfn, PfnRange } from '../binary/units.ts';
import { Bitmap } from '../bitmap/bitmap.ts';
import { countCpus, findVmcoreinfo } from '../vmcore/notes.ts';
import type { PhysicalMemory } from '../vmcore/physical-memory.ts';
import { buildNote, buildVmcore } from './build-vmcore.ts';

export type TestMachine = {
  readonly pageSize: number;
  readonly ranges: readonly PfnRange[];
  readonly endPfn: Pfn;
  readonly existing: Bitmap;
  readonly notes: Uint8Array;
  /** Where in `notes` the text of VMCOREINFO stands; length 0 when it has none. */
  readonly vmcoreinfo: { readonly offset: number; readonly length: number };
  readonly nrCpus: number;
  /** The content of a page, always the same for the same number. */
  page(pfn: Pfn): Uint8Array;
};

export type TestMachineOptions = {
  readonly pageSize?: number;
  readonly ranges?: readonly PfnRange[];
  /** Default: none, so that makedumpfile asks for no kernel structures. */
  readonly vmcoreinfo?: string;
  readonly nrCpus?: number;
};

export function buildMachine(options: TestMachineOptions = {}): TestMachine {
  const { pageSize = 4096, ranges = defaultRanges, vmcoreinfo = '', nrCpus = 2 } = options;
  const endPfn = ranges.at(-1)?.end ?? 0;
  const prstatus = Array.from({ length: nrCpus }, (_, cpu) => buildNote('CORE', 1, new Uint8Array(336).fill(cpu)));
  const before = concatBytes(prstatus);
  const text = encodeText(vmcoreinfo);
  const info = text.length === 0 ? new Uint8Array(0) : buildNote('VMCOREINFO', 0, text);
  return {
    pageSize,
    ranges,
    endPfn,
    existing: Bitmap.fromRanges(endPfn, ranges),
    notes: concatBytes([before, info]),
    vmcoreinfo: { offset: text.length === 0 ? 0 : before.length + 12 + 12, length: text.length },
    nrCpus,
    page: (pfn) => testPage(pfn, pageSize),
  };
}

const defaultRanges = [
  { start: 1, end: 160 },
  { start: 256, end: 700 },
  { start: 0x10000, end: 0x10123 },
];

/** Every fourth page zero, every fourth noise that no codec shrinks, the others text-like. */
function testPage(pfn: Pfn, pageSize: number): Uint8Array {
  const page = new Uint8Array(pageSize);
  if (pfn % 4 === 0) return page;
  let state = (pfn * 2654435761 + 1) % 0x100000000;
  for (let i = 0; i < pageSize; i++) {
    state ^= state << 13;
    state ^= state >>> 17;
    state ^= state << 5;
    page[i] = pfn % 4 === 3 ? state & 0xff : i % 64 < 40 ? 0x20 + (pfn % 64) : 0x40 + (state & 7);
  }
  return page;
}

/** The machine as an x86_64 ELF core, one PT_LOAD a range, as the kernel lays out /proc/vmcore. */
export function buildElfCore(machine: TestMachine): Uint8Array {
  const segments = machine.ranges.map(({ start, end }) => ({
    physicalAddress: start * machine.pageSize,
    virtualAddress: 0xffff888000000000n + BigInt(start * machine.pageSize),
    data: concatBytes(Array.from({ length: end - start }, (_, index) => machine.page(start + index))),
  }));
  return buildVmcore({ segments, notes: machine.notes });
}

/** The memory of a vmcore as such a machine, to build dumps of it. */
export function machineOf(memory: PhysicalMemory): TestMachine {
  const { pageSize, ranges, endPfn, notes } = memory;
  const vmcoreinfo = findVmcoreinfo(notes);
  return {
    pageSize,
    ranges,
    endPfn,
    existing: Bitmap.fromRanges(endPfn, ranges),
    notes,
    vmcoreinfo: { offset: vmcoreinfo?.offset ?? 0, length: vmcoreinfo?.sizeBytes ?? 0 },
    nrCpus: countCpus(notes),
    page(pfn) {
      const page = new Uint8Array(pageSize);
      memory.read(pfn * pageSize, page);
      return page;
    },
  };
}

export function concatBytes(parts: readonly Uint8Array[]): Uint8Array {
  const result = new Uint8Array(parts.reduce((sum, part) => sum + part.length, 0));
  let at = 0;
  for (const part of parts) {
    result.set(part, at);
    at += part.length;
  }
  return result;
}
