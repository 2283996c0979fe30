/**
 * Reads what a kdump-compressed file says about itself: both headers, checked against the size of the file.
 *
 * Goes out: plain data in which every offset and size lies inside the file, except that of the descriptor area, which the
 * reader of the pages checks once it has counted them.
 */
import { decodeText } from '../../binary/text.ts';
import { hex, type Pfn } from '../../binary/units.ts';
import type { MemoryFile } from '../../vmcore/memory-file.ts';
import { FormatError } from '../dump-writer.ts';
import {
  diskDumpHeader,
  diskdumpSignature,
  kdumpSignature,
  kdumpSubHeader,
  maxBlockBytes,
  minBlockBytes,
  statusFlags,
  utsnameFieldBytes,
  utsnameFields,
} from './layout.ts';

export type Utsname = Readonly<Record<(typeof utsnameFields)[number], string>>;

/** A piece of the file, checked to lie in it. Length 0: there is none. */
export type FilePart = { readonly offset: number; readonly length: number };

export type KdumpHeader = {
  readonly version: number;
  readonly status: number;
  /** The writer did not finish. */
  readonly incomplete: boolean;
  readonly blockBytes: number;
  /** Highest existing page frame plus one. */
  readonly endPfn: Pfn;
  readonly nrCpus: number;
  readonly utsname: Utsname;
  /** The same as it stands in the file. */
  readonly utsnameBytes: Uint8Array;
  /** Seconds since 1970; 0 when the crashed kernel did not tell. */
  readonly crashTime: number;
  readonly physBase: bigint;
  readonly dumpLevel: number;
  /** The page frames this file has descriptors for; undefined unless it is a part of a split set. */
  readonly split: { readonly startPfn: Pfn; readonly endPfn: Pfn } | undefined;
  readonly vmcoreinfo: FilePart;
  readonly notes: FilePart;
  readonly eraseinfo: FilePart;
  readonly firstBitmapOffset: number;
  /** The same as the first when the file has one bitmap only. */
  readonly secondBitmapOffset: number;
  /** Bytes of a bitmap that mean something: `ceil(endPfn / 8)`. */
  readonly bitmapBytes: number;
  readonly descriptorsOffset: number;
};

/** Larger notes, VMCOREINFO or eraseinfo than this are not believed: 100,000 CPUs leave 40 MiB. */
const maxTextBytes = 128 * 1024 * 1024;
/** A bitmap that describes 64 TiB of 4 KiB pages. */
const maxBitmapBytes = 2 * 1024 ** 3;

/**
 * @throws FormatError `format/not-a-dump`, `format/unsupported`, `format/corrupt`, or `format/incomplete` when the file ends before
 *   its bitmaps do.
 */
export function readKdumpHeader(file: MemoryFile): KdumpHeader {
  const header = readMainHeader(file);
  const blockBytes = header.block_size;
  const sub = readSubHeader(file, header.header_version, blockBytes);
  const endPfn = header.header_version >= 6 ? toNumber(file, 'max_mapnr_64', sub.max_mapnr_64) : header.max_mapnr;
  const bitmaps = placeBitmaps(file, header.sub_hdr_size, header.bitmap_blocks, blockBytes, endPfn);
  return {
    version: header.header_version,
    status: header.status,
    incomplete: (header.status & statusFlags.incomplete) !== 0,
    blockBytes,
    endPfn,
    nrCpus: header.nr_cpus,
    utsname: readUtsname(header.utsname),
    utsnameBytes: header.utsname,
    crashTime: Number(header.tv_sec),
    physBase: BigInt.asIntN(64, sub.phys_base),
    dumpLevel: sub.dump_level,
    split: sub.split === 0 ? undefined : readSplit(file, header.header_version, sub, endPfn),
    vmcoreinfo: filePart(file, 'VMCOREINFO', sub.offset_vmcoreinfo, sub.size_vmcoreinfo),
    notes: filePart(file, 'the notes', sub.offset_note, sub.size_note),
    eraseinfo: filePart(file, 'the eraseinfo', sub.offset_eraseinfo, sub.size_eraseinfo),
    ...bitmaps,
  };
}

type MainHeader = ReturnType<typeof diskDumpHeader.read>;
type SubHeader = ReturnType<typeof kdumpSubHeader.read>;

function readMainHeader(file: MemoryFile): MainHeader {
  if (file.sizeBytes < diskDumpHeader.sizeBytes) {
    throw new FormatError(
      'format/incomplete',
      `Cannot read the header of "${file.path}": ${file.sizeBytes} bytes, expected ${diskDumpHeader.sizeBytes}`,
    );
  }
  const bytes = new Uint8Array(diskDumpHeader.sizeBytes);
  file.read(0, bytes);
  const header = diskDumpHeader.read(bytes);
  const signature = decodeText(header.signature);
  if (signature === diskdumpSignature) throw unsupported(file, 'a DISKDUMP file of the time before kdump', kdumpSignature);
  if (signature !== kdumpSignature) {
    throw new FormatError('format/not-a-dump', `Cannot read "${file.path}": signature "${signature}", expected "${kdumpSignature}"`);
  }
  const { header_version: version, block_size: block } = header;
  if (version < 0 || version > 0xffff) throw unsupported(file, `header version ${version} (another byte order?)`, '1 to 65535');
  if (version === 0) throw unsupported(file, 'header version 0', '1 or later');
  if (!isBlockSize(block)) {
    const view = new DataView(bytes.buffer);
    if (isBlockSize(view.getInt32(416, true))) throw unsupported(file, 'a dump of a 32-bit machine', 'one of a 64-bit machine');
    throw corrupt(
      file,
      'block_size',
      diskDumpHeader.fields.block_size[0],
      block,
      `a power of two from ${minBlockBytes} to ${maxBlockBytes}`,
    );
  }
  return header;
}

function isBlockSize(value: number): boolean {
  return value >= minBlockBytes && value <= maxBlockBytes && (value & (value - 1)) === 0;
}

/** Fields the version does not have yet come back as zero. */
function readSubHeader(file: MemoryFile, version: number, blockBytes: number): SubHeader {
  if (file.sizeBytes < blockBytes + kdumpSubHeader.sizeBytes) {
    throw new FormatError(
      'format/incomplete',
      `Cannot read the sub header of "${file.path}": ${file.sizeBytes} bytes in all, expected ${blockBytes + kdumpSubHeader.sizeBytes}`,
    );
  }
  const bytes = new Uint8Array(kdumpSubHeader.sizeBytes);
  file.read(blockBytes, bytes);
  bytes.fill(0, subHeaderBytesByVersion[Math.min(version, subHeaderBytesByVersion.length - 1)]);
  return kdumpSubHeader.read(bytes);
}

/** How far the sub header of each version reaches. */
const { dump_level, split, offset_vmcoreinfo, offset_note, offset_eraseinfo, start_pfn_64 } = kdumpSubHeader.fields;
const subHeaderBytesByVersion = [dump_level, split, offset_vmcoreinfo, offset_note, offset_eraseinfo, start_pfn_64]
  .map(([offset]) => offset as number)
  .concat(kdumpSubHeader.sizeBytes);

function readUtsname(bytes: Uint8Array): Utsname {
  const at = (index: number) => decodeText(bytes.subarray(index * utsnameFieldBytes, (index + 1) * utsnameFieldBytes));
  return Object.fromEntries(utsnameFields.map((name, index) => [name, at(index)])) as Utsname;
}

function readSplit(file: MemoryFile, version: number, sub: SubHeader, fileEndPfn: Pfn): { startPfn: Pfn; endPfn: Pfn } {
  const startPfn = toNumber(file, 'start_pfn', version >= 6 ? sub.start_pfn_64 : sub.start_pfn);
  const endPfn = toNumber(file, 'end_pfn', version >= 6 ? sub.end_pfn_64 : sub.end_pfn);
  if (startPfn > endPfn || endPfn > fileEndPfn) {
    throw new FormatError(
      'format/corrupt',
      `Cannot read "${file.path}": part from page frame ${startPfn} to ${endPfn}, expected inside 0 to ${fileEndPfn}`,
    );
  }
  return { startPfn, endPfn };
}

function placeBitmaps(file: MemoryFile, subHeaderBlocks: number, bitmapBlocks: number, blockBytes: number, endPfn: Pfn) {
  const bitmapBytes = Math.ceil(endPfn / 8);
  const neededBlocks = Math.ceil(bitmapBytes / blockBytes);
  if (subHeaderBlocks < 1) throw corrupt(file, 'sub_hdr_size', diskDumpHeader.fields.sub_hdr_size[0], subHeaderBlocks, 'at least 1');
  if (bitmapBlocks < neededBlocks) {
    throw corrupt(
      file,
      'bitmap_blocks',
      diskDumpHeader.fields.bitmap_blocks[0],
      bitmapBlocks,
      `at least ${neededBlocks} for ${endPfn} page frames`,
    );
  }
  if (bitmapBytes > heldBytes(file)) {
    throw corrupt(
      file,
      'max_mapnr',
      diskDumpHeader.fields.max_mapnr[0],
      endPfn,
      `at most ${heldBytes(file) * 8} in ${heldBytes(file)} bytes`,
    );
  }
  if (bitmapBytes > maxBitmapBytes) throw unsupported(file, `${endPfn} page frames`, `at most ${maxBitmapBytes * 8}`);
  const firstBitmapOffset = (1 + subHeaderBlocks) * blockBytes;
  const descriptorsOffset = firstBitmapOffset + bitmapBlocks * blockBytes;
  if (descriptorsOffset > file.sizeBytes) {
    throw new FormatError(
      'format/incomplete',
      `Cannot read the bitmaps of "${file.path}": the file ends at ${hex(file.sizeBytes)}, expected at least ${hex(descriptorsOffset)}`,
    );
  }
  const two = bitmapBlocks >= 2 * neededBlocks;
  const secondBitmapOffset = two ? firstBitmapOffset + Math.floor(bitmapBlocks / 2) * blockBytes : firstBitmapOffset;
  return { firstBitmapOffset, secondBitmapOffset, bitmapBytes, descriptorsOffset };
}

function heldBytes(file: MemoryFile): number {
  return file.heldBytes ?? file.sizeBytes;
}

function filePart(file: MemoryFile, what: string, offset: bigint, size: bigint): FilePart {
  if (size === 0n || offset === 0n) return { offset: 0, length: 0 };
  if (offset + size > BigInt(file.sizeBytes) || size > BigInt(Math.min(heldBytes(file), maxTextBytes))) {
    throw new FormatError(
      'format/corrupt',
      `Cannot read ${what} of "${file.path}" at ${hex(offset)}: ${size} bytes, expected them inside the ${file.sizeBytes} bytes of the file and at most ${maxTextBytes}`,
    );
  }
  return { offset: Number(offset), length: Number(size) };
}

function toNumber(file: MemoryFile, field: string, value: bigint): number {
  if (value <= BigInt(Number.MAX_SAFE_INTEGER)) return Number(value);
  throw new FormatError('format/corrupt', `Cannot read ${field} of "${file.path}": ${hex(value)}, expected less than 2^53`);
}

function corrupt(file: MemoryFile, field: string, offset: number, found: number, expected: string): FormatError {
  return new FormatError('format/corrupt', `Cannot read ${field} of "${file.path}" at ${hex(offset)}: ${found}, expected ${expected}`);
}

function unsupported(file: MemoryFile, found: string, expected: string): FormatError {
  return new FormatError('format/unsupported', `Cannot read "${file.path}": ${found}, expected ${expected}`);
}
