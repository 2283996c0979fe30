/** A kdump-compressed dump: whole, a part of a split set, marked incomplete, or cut off anywhere. */
import type { CodecName, PageCodec } from '../compress/codec.ts';
import { FormatError } from '../format/dump-writer.ts';
import { type KdumpSource, openKdumpMemory } from '../format/kdump/reader.ts';
import { KcaptureError } from '../errors.ts';
import type { MemoryFile } from '../vmcore/memory-file.ts';
import { borrow } from './borrow.ts';
import { countPages } from './count-pages.ts';
import { inspectKdumpHead } from './inspect-kdump-head.ts';
import { inspectKernel } from './inspect-kernel.ts';
import type { Findings, Inspection, StoredPages } from './inspection.ts';

export type KdumpFacts = Pick<
  Inspection,
  'description' | 'machine' | 'pageSize' | 'cpus' | 'kernel' | 'panic' | 'pages' | 'stored' | 'dumpLevel' | 'split'
>;

type OpenCodec = (name: CodecName) => PageCodec;

/**
 * @param file stays the caller's, and stays open.
 * @throws FormatError `format/unsupported`; `format/incomplete`, `format/corrupt` when not even the first header is there.
 */
export function inspectKdump(file: MemoryFile, openCodec: OpenCodec, findings: Findings): KdumpFacts {
  const dump = openEvenCut(file, openCodec, findings);
  if (dump === undefined) return inspectKdumpHead(file, findings);
  try {
    return describe(dump, findings);
  } finally {
    // The file is borrowed; what this frees is what the reader allocated.
    dump.close();
  }
}

/** `undefined` when the bitmaps cannot be read, so that nothing can be said about pages. */
function openEvenCut(file: MemoryFile, openCodec: OpenCodec, findings: Findings): KdumpSource | undefined {
  for (const salvage of [false, true]) {
    try {
      return openKdumpMemory([borrow(file)], openCodec, { salvage });
    } catch (error) {
      if (!(error instanceof KcaptureError) || (error instanceof FormatError && error.code === 'format/unsupported')) throw error;
      if (!salvage) findings.problems.push(error.message);
    }
  }
  return undefined;
}

function describe(dump: KdumpSource, findings: Findings): KdumpFacts {
  const { header } = dump;
  const stored = countStored(dump, findings);
  const existing = countPages(dump.existingRanges);
  if (header.incomplete && findings.problems.length === 0) findings.problems.push('its writer marked it incomplete');
  if (stored !== undefined && stored.lost > 0) findings.problems.push(`the data of ${stored.lost} pages never reached the file`);
  const kept = stored === undefined ? dump.keptPages : Object.values(stored).reduce((sum, count) => sum + count, 0) - stored.lost;
  const part = header.split === undefined ? '' : ', part of a split set';
  return {
    description: `kdump-compressed dump, version ${header.version}${part}`,
    machine: dump.machine,
    pageSize: dump.pageSize,
    cpus: header.nrCpus,
    pages: { existing, kept, excluded: existing - dump.keptPages, missing: dump.keptPages - kept },
    stored,
    dumpLevel: header.dumpLevel,
    split: header.split,
    ...inspectKernel(dump, header, findings),
  };
}

function countStored(dump: KdumpSource, findings: Findings): StoredPages | undefined {
  try {
    return dump.countStored();
  } catch (error) {
    if (!(error instanceof KcaptureError)) throw error;
    findings.problems.push(error.message);
    return undefined;
  }
}
