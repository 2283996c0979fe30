/** An archive that holds dumps, as people send them: what is in it, and each dump as a file to read at random. */
import type { MemoryFile } from './memory-file.ts';

export type ArchiveMember = {
  readonly name: string;
  readonly sizeBytes: number;
  /** Bytes it takes in the archive. */
  readonly packedBytes: number;
  /** `stored` members are read where they are; `deflated` ones have to be unpacked first. */
  readonly method: 'stored' | 'deflated' | 'unsupported';
  readonly encrypted: boolean;
  /** Its first bytes are those of a dump. */
  readonly isDump: boolean;
};

export type OpenMemberOptions = {
  /** The largest member that is unpacked, in bytes. Default 64 GiB. */
  readonly maxUnpackedBytes?: number;
  /** Told now and then while unpacking or checking. */
  readonly onProgress?: (doneBytes: number, totalBytes: number) => void;
};

export interface DumpArchive {
  readonly path: string;
  /** In the order of the archive. */
  readonly members: readonly ArchiveMember[];
  /**
   * Opens a member; the file stays good after the archive is closed.
   *
   * @throws VmcoreError `vmcore/unsupported` (encrypted, packed in a way we do not know, too large), `vmcore/bad-archive` (checksum or length
   *   wrong), `vmcore/io` (no room to unpack it).
   */
  open(member: ArchiveMember, options?: OpenMemberOptions): Promise<MemoryFile>;
  close(): void;
}
