/** The writer of one output: what the headers say about the crash, gathered from the source. */
import { physBase } from '../address/phys-base.ts';
import { encodeText } from '../binary/text.ts';
import type { PfnRange } from '../binary/units.ts';
import { type BitmapWindows, rangesInWindows, wholeBitmap } from '../bitmap/windows.ts';
import { type CodecName, codecFlags } from '../compress/codec.ts';
import type { DumpWriter } from '../format/dump-writer.ts';
import { createElfWriter } from '../format/elf/writer.ts';
import { asKdump } from '../format/open-source.ts';
import { createKdumpWriter } from '../format/kdump/writer.ts';
import type { Sink } from '../sink/sink.ts';
import { countCpus, findVmcoreinfo } from '../vmcore/notes.ts';
import { headerUtsname } from './header-utsname.ts';
import type { Kernel } from './open-kernel.ts';

export type WriterRequest = {
  readonly kernel: Kernel;
  readonly level: number;
  /** An ELF dump needs a whole bitmap. */
  readonly kept: BitmapWindows;
  readonly format: 'kdump' | 'elf';
  readonly codec: CodecName | undefined;
  /** One part of a split set. */
  readonly range: PfnRange | undefined;
};

/** Page frames of the first bitmap that are written at a time: 256 KiB of it. */
const existingWindowPages = 2 ** 21;

/** @throws SinkError as the sink does; FormatError `format/unsupported` when the source cannot become this format. */
export function createWriter(sink: Sink, request: WriterRequest): DumpWriter {
  const { kernel, level, kept, codec, range } = request;
  const { memory, info } = kernel;
  const vmcoreinfo = findVmcoreinfo(memory.notes);
  const source = asKdump(memory);
  if (request.format === 'elf') return createElfWriter(sink, { memory, kept: wholeBitmap(kept) });
  return createKdumpWriter(sink, {
    pageSize: memory.pageSize,
    endPfn: memory.endPfn,
    existing: rangesInWindows(memory.endPfn, memory.existingRanges, existingWindowPages),
    kept,
    notes: memory.notes,
    vmcoreinfo: vmcoreinfo === undefined ? { offset: 0, length: 0 } : { offset: vmcoreinfo.offset, length: vmcoreinfo.sizeBytes },
    utsname: headerUtsname(kernel),
    crashTime: crashTime(info.plain('CRASHTIME')),
    physBase: source?.header.physBase ?? physBase(memory, info),
    dumpLevel: level,
    status: codec === undefined ? 0 : codecFlags[codec],
    nrCpus: countCpus(memory.notes),
    zeroPages: (level & 1) !== 0,
    eraseinfo: source?.eraseinfo === undefined ? undefined : encodeText(source.eraseinfo),
    split: range === undefined ? undefined : { startPfn: range.start, endPfn: range.end },
  });
}

/** Seconds since 1970, 0 when the kernel does not say. */
function crashTime(text: string | undefined): number {
  return text !== undefined && /^\d{1,12}$/.test(text) ? Number(text) : 0;
}
