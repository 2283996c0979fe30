/**
 * Unpacks an initramfs as the kernel would: cpio archives one behind the other, plain or with gzip.
 *
 * @source Documentation/driver-api/early-userspace/buffer-format.rst
 */
import { mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { gunzipSync } from 'node:zlib';
import { command } from '../command.ts';

const headerBytes = 110;
const trailer = 'TRAILER!!!';

/** Modes and owners are kept. @param folder is made. @throws Error when the image is neither. */
export function unpackImage(image: string, folder: string): void {
  mkdirSync(folder, { recursive: true });
  let rest: Buffer = readFileSync(image);
  while (rest.length > 0) {
    if (rest[0] === 0) rest = rest.subarray(1);
    else if (rest.readUInt16BE(0) === 0x1f8b) rest = gunzipSync(rest);
    else rest = rest.subarray(unpackArchive(rest, folder));
  }
}

/** @returns How long the archive is. */
function unpackArchive(bytes: Buffer, folder: string): number {
  const end = archiveEnd(bytes);
  const archive = `${folder}.cpio`;
  writeFileSync(archive, bytes.subarray(0, end));
  command(['sh', '-c', 'exec cpio -idm --quiet --no-absolute-filenames <"$1"', 'sh', archive], { cwd: folder });
  rmSync(archive);
  return end;
}

function archiveEnd(bytes: Buffer): number {
  const round = (at: number) => Math.ceil(at / 4) * 4;
  for (let at = 0; bytes.toString('latin1', at, at + 6) === '070701'; ) {
    const field = (index: number) => Number.parseInt(bytes.toString('latin1', at + 6 + 8 * index, at + 14 + 8 * index), 16);
    const [sizeBytes, nameBytes] = [field(6), field(11)];
    const name = bytes.toString('latin1', at + headerBytes, at + headerBytes + nameBytes - 1);
    at = round(round(at + headerBytes + nameBytes) + sizeBytes);
    if (name === trailer) return at;
  }
  throw new Error('Cannot unpack the image: no cpio archive is where one should be');
}
