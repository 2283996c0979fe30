/**
 * What is this file, and what does it tell about the crash?
 *
 * Comes in: a vmcore, a dump, a flattened stream, or a zip archive that holds one. Goes out: plain data. A file that is cut off or damaged gives
 * what can still be read, with the reasons why the rest cannot.
 */
import { AnalyseError } from './analyse-error.ts';
import { readFlattenedSegments } from '../format/flattened/records.ts';
import { openFlattened } from '../format/flattened/open-flattened.ts';
import { identify } from '../format/identify.ts';
import type { System } from '../sys/system.ts';
import type { ArchiveMember, DumpArchive } from '../vmcore/dump-archive.ts';
import type { MemoryFile } from '../vmcore/memory-file.ts';
import { borrow } from './borrow.ts';
import { inspectElf } from './inspect-elf.ts';
import { inspectKdump } from './inspect-kdump.ts';
import type { Findings, Inspection } from './inspection.ts';

/** What an inspection needs of the system. */
export type InspectSystem = Pick<System, 'openFile' | 'openArchive' | 'openCodec'>;

export type InspectOptions = {
  /** The largest archive member that is unpacked, in bytes. Default 64 GiB. */
  readonly maxUnpackedBytes?: number;
  /** Told now and then while an archive member is unpacked or checked. */
  readonly onProgress?: (doneBytes: number, totalBytes: number) => void;
};

/**
 * @throws VmcoreError `vmcore/open`, `vmcore/bad-archive`, `vmcore/unsupported`; AnalyseError `analyse/not-a-dump`; what the readers throw for
 *   a file of which not even the first header can be used.
 */
export async function inspectFile(system: InspectSystem, path: string, options: InspectOptions = {}): Promise<Inspection> {
  const file = system.openFile(path);
  try {
    if (!isZip(file)) return inspectMemory(file, system.openCodec);
  } finally {
    file.close();
  }
  const archive = await system.openArchive(path);
  try {
    return await inspectArchive(archive, system.openCodec, options);
  } finally {
    archive.close();
  }
}

/**
 * Inspects an open file, which stays the caller's.
 * @throws as `inspectFile`
 */
export function inspectMemory(file: MemoryFile, openCodec: System['openCodec']): Inspection {
  const findings: Findings = { problems: [], warnings: [] };
  const outer = requireDump(file);
  const dump = outer === 'flattened' ? openStream(file, findings) : file;
  const kind = outer === 'flattened' ? requireDump(dump) : outer;
  if (kind === 'flattened') throw notADump(file, 'a flattened stream inside a flattened stream');
  const facts = kind === 'elf' ? inspectElf(dump, findings) : inspectKdump(dump, (name) => openCodec(name), findings);
  return {
    path: file.path,
    sizeBytes: file.sizeBytes,
    kind,
    flattened: outer === 'flattened',
    ...facts,
    description: outer === 'flattened' ? `${facts.description}, flattened` : facts.description,
    complete: findings.problems.length === 0,
    ...findings,
  };
}

function openStream(file: MemoryFile, findings: Findings): MemoryFile {
  if (!readFlattenedSegments(file).complete) findings.problems.push('the flattened stream is cut off: it has no end mark');
  return openFlattened(borrow(file), { salvage: true });
}

function requireDump(file: MemoryFile): 'elf' | 'kdump' | 'flattened' {
  const identity = identify(file);
  if (identity.kind !== 'other') return identity.kind;
  throw notADump(file, identity.what, identity.hint);
}

function isZip(file: MemoryFile): boolean {
  const head = new Uint8Array(Math.min(4, file.sizeBytes));
  file.read(0, head);
  return head[0] === 0x50 && head[1] === 0x4b && (head[2] === 3 || head[2] === 5) && head[3] === head[2] + 1;
}

/** Shows the largest dump in the archive, and names everything else. */
async function inspectArchive(archive: DumpArchive, openCodec: System['openCodec'], options: InspectOptions): Promise<Inspection> {
  const member = archive.members.reduce<ArchiveMember | undefined>((best, next) => {
    return next.isDump && next.sizeBytes > (best?.sizeBytes ?? 0) ? next : best;
  }, undefined);
  if (member === undefined) throw noDumpInside(archive);
  const file = await archive.open(member, options);
  try {
    const others = archive.members.filter((other) => other !== member);
    return { ...inspectMemory(file, openCodec), archive: { path: archive.path, member, others } };
  } finally {
    file.close();
  }
}

function noDumpInside(archive: DumpArchive): AnalyseError {
  const encrypted = archive.members.filter((member) => member.encrypted).length;
  const found = encrypted > 0 ? `${archive.members.length} members, ${encrypted} of them encrypted` : `${archive.members.length} members`;
  const hint = encrypted > 0 ? 'Unpack it with its password first.' : undefined;
  return new AnalyseError('analyse/not-a-dump', `Cannot inspect "${archive.path}": ${found}, expected one that is a dump`, { hint });
}

function notADump(file: MemoryFile, found: string, hint?: string): AnalyseError {
  return new AnalyseError('analyse/not-a-dump', `Cannot inspect "${file.path}": it is ${found}, expected a vmcore or a dump`, {
    where: file.path,
    hint,
  });
}
