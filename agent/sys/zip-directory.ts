/**
 * The end of a zip file, checked before a library walks it.
 *
 * ```
 *  …  central directory (46 bytes and names, an entry)
 *     [zip64 end record, 56 bytes]  [zip64 locator, 20 bytes: where that record is]
 *     end record, 22 bytes: entries, size and offset of the central directory     comment of up to 65,535 bytes
 * ```
 * What passes here keeps every search and every allocation of the library small.
 * @source PKWARE APPNOTE.TXT 6.3.10, 4.3.12 to 4.3.16
 */
import { hex } from '../binary/units.ts';
import { type MemoryFile, VmcoreError } from '../vmcore/memory-file.ts';

const endRecordBytes = 22;
const locatorBytes = 20;
const zip64RecordBytes = 56;
const entryBytes = 46;
const maxCommentBytes = 65_535;

/** More members, or more text about them, than anybody sends. */
const maxEntries = 100_000;
const maxDirectoryBytes = 64 * 1024 * 1024;
/** The zip64 record stands right before its locator; the library searches backward for it, so it must not be far. */
const maxZip64Distance = 128 * 1024;

type Directory = { readonly entries: number; readonly sizeBytes: number; readonly offset: number };

/** @throws VmcoreError `vmcore/bad-archive` when the file is no zip, is cut, or its directory cannot be where it says. */
export function checkZipDirectory(file: MemoryFile): void {
  const tail = new Uint8Array(Math.min(file.sizeBytes, endRecordBytes + maxCommentBytes));
  const tailStart = file.sizeBytes - tail.length;
  file.read(tailStart, tail);
  const view = new DataView(tail.buffer);
  const at = findEndRecord(view);
  if (at < 0) throw bad(file, tailStart, 'no end record', 'one in the last 64 KiB; the archive may be cut');
  let directory: Directory = {
    entries: view.getUint16(at + 8, true),
    sizeBytes: view.getUint32(at + 12, true),
    offset: view.getUint32(at + 16, true),
  };
  let end = tailStart + at;
  if (view.getUint16(at + 10, true) === 0xffff || directory.sizeBytes === 0xffffffff || directory.offset === 0xffffffff) {
    ({ directory, end } = readZip64(file, end));
  }
  checkDirectory(file, directory, end);
}

function findEndRecord(view: DataView): number {
  for (let at = view.byteLength - endRecordBytes; at >= 0; at--) if (view.getUint32(at, true) === 0x06054b50) return at;
  return -1;
}

function readZip64(file: MemoryFile, endRecord: number): { directory: Directory; end: number } {
  const locatorStart = endRecord - locatorBytes;
  if (locatorStart < 0) throw bad(file, endRecord, 'no room for a zip64 locator', `${locatorBytes} bytes`);
  const locator = readView(file, locatorStart, locatorBytes);
  if (locator.getUint32(0, true) !== 0x07064b50) throw bad(file, locatorStart, 'no zip64 locator', 'one before the end record');
  const start = Number(locator.getBigUint64(8, true));
  if (start > locatorStart - zip64RecordBytes || start < file.sizeBytes - maxZip64Distance) {
    throw bad(file, locatorStart, `zip64 end record at ${hex(start)}`, 'one shortly before its locator');
  }
  const record = readView(file, start, zip64RecordBytes);
  if (record.getUint32(0, true) !== 0x06064b50) throw bad(file, start, 'no zip64 end record', 'one where the locator points');
  const number = (offset: number) => Number(record.getBigUint64(offset, true));
  return { directory: { entries: number(24), sizeBytes: number(40), offset: number(48) }, end: start };
}

function checkDirectory(file: MemoryFile, { entries, sizeBytes, offset }: Directory, end: number): void {
  if (offset + sizeBytes > end) throw bad(file, end, `directory of ${sizeBytes} bytes at ${hex(offset)}`, 'one that ends here');
  if (entries > maxEntries || sizeBytes > maxDirectoryBytes || entries * entryBytes > sizeBytes) {
    throw bad(file, offset, `${entries} entries in ${sizeBytes} bytes`, `at most ${maxEntries}, each at least ${entryBytes} bytes`);
  }
}

function readView(file: MemoryFile, offset: number, length: number): DataView {
  const bytes = new Uint8Array(length);
  file.read(offset, bytes);
  return new DataView(bytes.buffer);
}

function bad(file: MemoryFile, offset: number, found: string, expected: string): VmcoreError {
  const where = `"${file.path}" at ${hex(offset)}`;
  return new VmcoreError('vmcore/bad-archive', `Cannot read the zip directory of ${where}: ${found}, expected ${expected}`, { where });
}
