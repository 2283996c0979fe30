/** An ELF vmcore, whole or cut off. */
import { readElfHead } from '../vmcore/elf-header.ts';
import { DUMP_ELF_INCOMPLETE } from '../vmcore/elf-layout.ts';
import { type MemoryFile, VmcoreError } from '../vmcore/memory-file.ts';
import { countCpus } from '../vmcore/notes.ts';
import { openElfMemory } from '../vmcore/open-elf.ts';
import type { LoadSegment, PhysicalMemory } from '../vmcore/physical-memory.ts';
import { borrow } from './borrow.ts';
import { countPages } from './count-pages.ts';
import { inspectKernel } from './inspect-kernel.ts';
import type { Findings, Inspection } from './inspection.ts';

/** Notes beyond this are not believed in a file that is cut off anyway. */
const maxNoteBytes = 128 * 1024 * 1024;

export type ElfFacts = Pick<Inspection, 'description' | 'machine' | 'pageSize' | 'cpus' | 'kernel' | 'panic' | 'pages'>;

/**
 * @param file stays the caller's, and stays open.
 * @throws VmcoreError when not even the program headers and notes can be read.
 */
export function inspectElf(file: MemoryFile, findings: Findings): ElfFacts {
  const { memory, flags } = openEvenCut(file, findings);
  if ((flags & DUMP_ELF_INCOMPLETE) !== 0) findings.problems.push('its writer marked it incomplete');
  const existing = countPages(memory.existingRanges);
  const promised = countPages(memory.ranges);
  const missing = missingPages(memory, file.sizeBytes);
  return {
    description: promised < existing ? 'ELF dump' : 'ELF vmcore',
    machine: memory.machine,
    pageSize: memory.pageSize,
    cpus: countCpus(memory.notes),
    pages: { existing, kept: promised - missing, excluded: existing - promised, missing },
    ...inspectKernel(memory, {}, findings),
  };
}

function openEvenCut(file: MemoryFile, findings: Findings): { memory: PhysicalMemory; flags: number } {
  try {
    return { memory: openElfMemory(borrow(file)), flags: readElfHead(file).flags };
  } catch (error) {
    if (!(error instanceof VmcoreError && error.code === 'vmcore/short-read')) throw error;
    // A file whose headers may point beyond its end: only reading there fails.
    const claimed = borrow(file, Number.MAX_SAFE_INTEGER);
    const head = readElfHead(claimed);
    const notesEnd = Math.max(0, ...head.noteSegments.map(({ fileOffset, fileBytes }) => fileOffset + fileBytes));
    const noteBytes = head.noteSegments.reduce((sum, { fileBytes }) => sum + fileBytes, 0);
    if (notesEnd > file.sizeBytes || noteBytes > maxNoteBytes) throw error;
    const end = head.loadSegments.reduce((most, segment) => Math.max(most, segment.fileOffset + segment.fileBytes), 0);
    findings.problems.push(`it is cut off: ${file.sizeBytes} bytes, expected ${end}`);
    return { memory: openElfMemory(claimed), flags: head.flags };
  }
}

/** Pages that the headers promise behind the end of the file. */
function missingPages({ loadSegments, pageSize }: PhysicalMemory, fileBytes: number): number {
  const missing = (segment: LoadSegment) => Math.min(segment.fileBytes, Math.max(0, segment.fileOffset + segment.fileBytes - fileBytes));
  return Math.ceil(loadSegments.reduce((sum, segment) => sum + missing(segment), 0) / pageSize);
}
