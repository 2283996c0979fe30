/**
 * The parts of a split set back into one dump, without expanding a page.
 *
 * Comes in: the files, in any order. Goes out: the bytes an unsplit dump of the same memory has.
 */
import type { Bitmap } from '../../bitmap/bitmap.ts';
import type { Sink } from '../../sink/sink.ts';
import type { MemoryFile } from '../../vmcore/memory-file.ts';
import { FormatError } from '../dump-writer.ts';
import { Descriptors } from './descriptors.ts';
import { checkSet, type KdumpPart, readBitmap, readKdumpParts, readPart } from './parts.ts';
import { PageIndex } from './page-index.ts';
import { createKdumpWriter, type KdumpPlan, type KdumpWriter } from './writer.ts';
import { statusFlags } from './layout.ts';

export type Reassembled = {
  readonly sizeBytes: number;
  /** Pages that an incomplete part lacks. When there are any, the dump is marked incomplete too. */
  readonly lostPages: number;
};

const windowBytes = 1024 * 1024;

/**
 * @throws FormatError `format/incomplete` when a part is missing, `format/corrupt` when one is doubled, of another dump or damaged.
 * @throws SinkError as the sink does; what is there then is marked incomplete.
 */
export function reassemble(files: readonly MemoryFile[], sink: Sink): Reassembled {
  const parts = readKdumpParts(files);
  checkSet(parts);
  checkComplete(parts);
  const kept = readBitmap(parts[0].file, parts[0].header, parts[0].header.secondBitmapOffset);
  const index = new PageIndex(kept);
  const writer = createKdumpWriter(sink, planWhole(parts, kept));
  let lostPages = 0;
  try {
    for (const window of kept.windows()) writer.startWindow(window);
    for (const part of parts) lostPages += copyPart(part, kept, index, writer);
    writer.finish();
  } catch (error) {
    writer.abandon();
    throw error;
  }
  return { sizeBytes: writer.writtenBytes, lostPages };
}

function checkComplete(parts: readonly KdumpPart[]): void {
  let covered = 0;
  for (const { file, header } of parts) {
    if (header.split === undefined)
      throw new FormatError('format/corrupt', `Cannot reassemble "${file.path}": a whole dump, expected a part of a split one`);
    if (header.split.startPfn !== covered) throw missing(covered, header.split.startPfn);
    covered = header.split.endPfn;
  }
  const { endPfn } = parts[0].header;
  if (covered !== endPfn) throw missing(covered, endPfn);
}

function missing(start: number, end: number): FormatError {
  return new FormatError('format/incomplete', `Cannot reassemble the dump: the part with page frames ${start} to ${end} is missing`, {
    hint: 'Name every part that was written together',
  });
}

function planWhole(parts: readonly KdumpPart[], kept: Bitmap): KdumpPlan {
  const [{ file, header }] = parts;
  const { notes, vmcoreinfo } = header;
  const inNotes = vmcoreinfo.offset >= notes.offset && vmcoreinfo.offset + vmcoreinfo.length <= notes.offset + notes.length;
  return {
    pageSize: header.blockBytes,
    endPfn: header.endPfn,
    existing: readBitmap(file, header, header.firstBitmapOffset),
    kept,
    notes: readPart(file, notes),
    vmcoreinfo:
      inNotes && vmcoreinfo.length > 0 ? { offset: vmcoreinfo.offset - notes.offset, length: vmcoreinfo.length } : { offset: 0, length: 0 },
    utsname: header.utsnameBytes,
    crashTime: header.crashTime,
    physBase: header.physBase,
    dumpLevel: header.dumpLevel,
    status: header.status & ~statusFlags.incomplete,
    nrCpus: header.nrCpus,
    zeroPages: (header.dumpLevel & 1) !== 0,
    eraseinfo: Buffer.concat(parts.map((part) => readPart(part.file, part.header.eraseinfo))),
  };
}

/** @returns how many pages the part lacks. */
function copyPart({ file, header }: KdumpPart, kept: Bitmap, index: PageIndex, writer: KdumpWriter): number {
  const descriptors = new Descriptors(file, header, index);
  const window = file.openWindow(windowBytes);
  const shared = (header.dumpLevel & 1) !== 0;
  let lost = 0;
  try {
    for (let pfn = kept.nextSet(descriptors.startPfn); pfn < descriptors.endPfn; pfn = kept.nextSet(pfn + 1)) {
      descriptors.readFor(pfn);
      const { offset, size, flags } = descriptors;
      if (offset === 0) {
        writer.addLostPage(pfn);
        lost++;
      } else if (shared && offset === descriptors.dataOffset) writer.addZeroPage(pfn);
      else writer.addPage(pfn, window.bytes, window.locate(offset, size), size, flags);
    }
  } finally {
    window.close();
    descriptors.close();
  }
  return lost;
}
