/** What can be told about a dump without a debugger. Plain data: it prints as JSON as it is. */
import type { ArchiveMember } from '../vmcore/dump-archive.ts';
import type { Panic } from './panic.ts';

export type Inspection = {
  readonly path: string;
  readonly sizeBytes: number;
  /** How the memory is stored; `flattened` tells whether as a stream of records. */
  readonly kind: 'elf' | 'kdump';
  /** The same for people: `kdump-compressed dump, version 6, flattened`. */
  readonly description: string;
  readonly flattened: boolean;
  /** False: something is missing, `problems` says what. */
  readonly complete: boolean;
  /** What is cut off, lost or damaged in the file, one sentence each. */
  readonly problems: readonly string[];
  /** What could not be found out, one sentence each. */
  readonly warnings: readonly string[];
  readonly machine?: string;
  readonly pageSize?: number;
  readonly cpus?: number;
  readonly kernel: KernelFacts;
  readonly panic?: Panic;
  readonly pages?: PageCounts;
  /** The kept pages by how they are stored; a dump only. */
  readonly stored?: StoredPages;
  readonly dumpLevel?: number;
  /** The page frames this part of a split set holds: `start <= pfn < end`. */
  readonly split?: { readonly startPfn: number; readonly endPfn: number };
  readonly archive?: ArchiveFacts;
};

export type KernelFacts = {
  readonly release?: string;
  readonly version?: string;
  readonly nodename?: string;
  /** ISO 8601, UTC. */
  readonly crashTime?: string;
};

export type PageCounts = {
  /** On the machine. */
  readonly existing: number;
  /** In this file, zero pages included. */
  readonly kept: number;
  readonly excluded: number;
  /** Neither: in another part of the split set, behind the end of a file that is cut off, or lost while writing. */
  readonly missing: number;
};

export type StoredPages = {
  readonly raw: number;
  readonly zlib: number;
  readonly lzo: number;
  readonly snappy: number;
  readonly zstd: number;
  /** Zero pages that share one page of data. */
  readonly sharedZero: number;
  /** Their data never reached the file. */
  readonly lost: number;
};

export type ArchiveFacts = {
  readonly path: string;
  readonly member: ArchiveMember;
  /** The members that are not shown here. */
  readonly others: readonly ArchiveMember[];
};

/** What the parts of an inspection fill in together. */
export type Findings = {
  problems: string[];
  warnings: string[];
};
