/** The files one dump is made of: one, or the parts of a split set. And the pieces their headers point to. */
import { Bitmap } from '../../bitmap/bitmap.ts';
import type { MemoryFile } from '../../vmcore/memory-file.ts';
import { FormatError } from '../dump-writer.ts';
import { type FilePart, type KdumpHeader, readKdumpHeader } from './header.ts';

export type KdumpPart = { readonly file: MemoryFile; readonly header: KdumpHeader };

/**
 * The headers of all files, in the order of their page frames.
 * @throws FormatError as `readKdumpHeader`
 */
export function readKdumpParts(files: readonly MemoryFile[]): KdumpPart[] {
  const parts = files.map((file) => ({ file, header: readKdumpHeader(file) }));
  const start = ({ header }: KdumpPart) => header.split?.startPfn ?? 0;
  const end = ({ header }: KdumpPart) => header.split?.endPfn ?? header.endPfn;
  return parts.sort((a, b) => start(a) - start(b) || end(a) - end(b));
}

/**
 * @param parts as `readKdumpParts` gives them.
 * @throws FormatError `format/corrupt` when the files are not different parts of one dump.
 */
export function checkSet(parts: readonly KdumpPart[]): void {
  for (let i = 1; i < parts.length; i++) {
    const [before, part] = [parts[i - 1], parts[i]];
    const refuse = (found: string, expected: string) => {
      throw new FormatError(
        'format/corrupt',
        `Cannot read "${part.file.path}" together with "${before.file.path}": ${found}, expected ${expected}`,
      );
    };
    if (part.header.split === undefined || before.header.split === undefined) refuse('a whole dump', 'parts of a split one');
    else if (part.header.split.startPfn < before.header.split.endPfn) refuse('both hold the same pages', 'different parts');
    if (identity(part) !== identity(before)) refuse('it is of another dump', 'parts of one dump');
  }
}

/** What all parts of one set have in common. */
function identity({ header }: KdumpPart): string {
  const { version, blockBytes, endPfn, crashTime, utsname, dumpLevel, firstBitmapOffset, secondBitmapOffset, descriptorsOffset } = header;
  return JSON.stringify([
    version,
    blockBytes,
    endPfn,
    crashTime,
    utsname,
    dumpLevel,
    firstBitmapOffset,
    secondBitmapOffset,
    descriptorsOffset,
  ]);
}

export function readPart(file: MemoryFile, { offset, length }: FilePart): Uint8Array {
  const bytes = new Uint8Array(length);
  file.read(offset, bytes);
  return bytes;
}

/** @param offset `firstBitmapOffset` or `secondBitmapOffset` of the header. */
export function readBitmap(file: MemoryFile, { endPfn, bitmapBytes }: KdumpHeader, offset: number): Bitmap {
  const bytes = readPart(file, { offset, length: bitmapBytes });
  if (endPfn % 8 !== 0) bytes[bitmapBytes - 1] &= (1 << (endPfn % 8)) - 1;
  return new Bitmap(endPfn, bytes);
}
