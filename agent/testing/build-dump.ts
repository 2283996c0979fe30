/**
 * Kdump-compressed dumps of a made-up machine, as bytes: what the readers under test and the other tools are fed.
 */
import { encodeText } from '../binary/text.ts';
import type { Pfn } from '../binary/units.ts';
import type { BitmapWindow } from '../bitmap/windows.ts';
import { codecFlags, type PageCodec } from '../compress/codec.ts';
import type { DumpWriter } from '../format/dump-writer.ts';
import { createKdumpWriter, type KdumpPlan } from '../format/kdump/writer.ts';
import { utsnameBytes, utsnameFieldBytes } from '../format/kdump/layout.ts';
import type { TestMachine } from './build-machine.ts';
import { MemorySink } from './memory-sink.ts';

export type BuildDumpOptions = Partial<KdumpPlan> & {
  /** Which codec a page gets; `undefined` stores it raw. Default: all raw. */
  readonly codecOf?: (pfn: Pfn) => PageCodec | undefined;
  readonly sink?: MemorySink;
};

export function buildDump(machine: TestMachine, options: BuildDumpOptions = {}): Uint8Array {
  const sink = options.sink ?? new MemorySink();
  const plan = buildPlan(machine, options);
  const writer = createKdumpWriter(sink, plan);
  feedPages(writer, machine, plan, options.codecOf);
  writer.finish();
  return sink.bytes;
}

export function buildPlan(machine: TestMachine, changes: Partial<KdumpPlan> = {}): KdumpPlan {
  return {
    pageSize: machine.pageSize,
    endPfn: machine.endPfn,
    existing: machine.existing,
    kept: machine.existing,
    notes: machine.notes,
    vmcoreinfo: machine.vmcoreinfo,
    utsname: new Uint8Array(utsnameBytes),
    crashTime: 0,
    physBase: 0n,
    dumpLevel: changes.zeroPages ? 1 : 0,
    status: 0,
    nrCpus: machine.nrCpus,
    zeroPages: false,
    ...changes,
  };
}

/** Gives every kept page of the plan (of its part, in a split set) to the writer. */
export function feedPages(writer: DumpWriter, machine: TestMachine, plan: KdumpPlan, codecOf?: (pfn: Pfn) => PageCodec | undefined): void {
  for (const window of plan.kept.windows()) {
    writer.startWindow?.(window);
    feedWindow(writer, machine, plan, window, codecOf);
  }
}

function feedWindow(
  writer: DumpWriter,
  machine: TestMachine,
  { pageSize, zeroPages, split, endPfn }: KdumpPlan,
  { start, bits }: BitmapWindow,
  codecOf?: (pfn: Pfn) => PageCodec | undefined,
): void {
  const { startPfn, endPfn: end } = split ?? { startPfn: 0, endPfn };
  for (let bit = bits.nextSet(startPfn - start); bit < Math.min(bits.sizeBits, end - start); bit = bits.nextSet(bit + 1)) {
    const pfn = start + bit;
    const page = machine.page(pfn);
    if (zeroPages && page.every((byte) => byte === 0)) {
      writer.addZeroPage(pfn);
      continue;
    }
    const codec = codecOf?.(pfn);
    const block = new Uint8Array(codec?.outputBound(pageSize) ?? 0);
    const length = codec?.compress(page, 0, pageSize, block, 0) ?? 0;
    if (codec !== undefined && length > 0) writer.addPage(pfn, block, 0, length, codecFlags[codec.name]);
    else writer.addPage(pfn, page, 0, pageSize, 0);
  }
}

/** The utsname of an x86_64 machine, which crash, libkdumpfile and drgn need to accept a dump. */
export function buildUtsname(machine = 'x86_64', release = '6.1.0-test'): Uint8Array {
  const bytes = new Uint8Array(utsnameBytes);
  const texts = ['Linux', 'test', release, '#1 SMP', machine, '(none)'];
  for (const [index, text] of texts.entries()) bytes.set(encodeText(text), index * utsnameFieldBytes);
  return bytes;
}
