/**
 * A cpio archive in the format the kernel unpacks into its first root file system (`newc`), written front to back.
 *
 * ```
 * header (110 characters) | name NUL | pad to 4 | content | pad to 4 | … | TRAILER!!!
 * ```
 *
 * The same entries give the same bytes: no times, no owners, numbered from one.
 *
 * @source Documentation/driver-api/early-userspace/buffer-format.rst
 */
import { encodeText } from '../../binary/text.ts';
import { KcaptureError } from '../../errors.ts';

/** Codes: `image/bad-entry`, `image/no-program`, `image/no-library`, `image/generator`, `image/payload`. */
export class ImageError extends KcaptureError {}

export type CpioEntry = {
  /** Absolute path in the image. */
  readonly path: string;
  /** Type and permission bits, as in `st_mode`. */
  readonly mode: number;
  /** Of a link: where it points. */
  readonly content?: Uint8Array;
  /** Of a device node. */
  readonly device?: { readonly major: number; readonly minor: number };
};

/** Type bits of `st_mode`. @source include/uapi/linux/stat.h */
export const fileTypes = { folder: 0o040000, character: 0o020000, file: 0o100000, link: 0o120000 } as const;

/** Fields of a header hold 8 hexadecimal digits. */
const maxContentBytes = 2 ** 32 - 1;
/** PATH_MAX: the kernel skips longer names without a word. */
const maxNameBytes = 4095;
const trailer = 'TRAILER!!!';

export type CpioWriter = {
  /**
   * Folders must come before what is in them.
   * @throws ImageError `image/bad-entry`, and what `write` throws.
   */
  add(entry: CpioEntry): void;
  /** Writes the trailer; @returns the archive's size in bytes. */
  finish(): number;
};

/** @param write takes one piece after the other. */
export function createCpioWriter(write: (bytes: Uint8Array) => void): CpioWriter {
  let offset = 0;
  let count = 0;
  const writePadded = (bytes: Uint8Array) => {
    const padding = (4 - (bytes.length % 4)) % 4;
    write(bytes);
    if (padding > 0) write(new Uint8Array(padding));
    offset += bytes.length + padding;
  };
  const addNamed = (name: string, entry: Omit<CpioEntry, 'path'>, number: number) => {
    writePadded(formatHeader(name, entry, number));
    if (entry.content !== undefined && entry.content.length > 0) writePadded(entry.content);
  };
  return {
    add(entry) {
      checkEntry(entry);
      count++;
      addNamed(entry.path.replace(/^\/+/, ''), entry, count);
    },
    finish() {
      addNamed(trailer, { mode: 0 }, 0);
      return offset;
    },
  };
}

function checkEntry({ path, content }: CpioEntry): void {
  const isPlain = path.startsWith('/') && !path.includes('\0') && !path.split('/').includes('..') && path.length > 1;
  if (!isPlain || encodeText(path).length > maxNameBytes) {
    throw new ImageError(
      'image/bad-entry',
      `Cannot put ${JSON.stringify(path)} into an image: expected an absolute path of at most ${maxNameBytes} bytes`,
    );
  }
  if (content !== undefined && content.length > maxContentBytes) {
    throw new ImageError('image/bad-entry', `Cannot put "${path}" into an image: ${content.length} bytes, expected less than 4 GiB`);
  }
}

function formatHeader(name: string, { mode, content, device }: Omit<CpioEntry, 'path'>, number: number): Uint8Array {
  const nameBytes = encodeText(name);
  const links = (mode & 0o170000) === fileTypes.folder ? 2 : 1;
  const fields = [
    ...[number, mode, 0, 0, links, 0, content?.length ?? 0],
    ...[0, 0, device?.major ?? 0, device?.minor ?? 0, nameBytes.length + 1, 0],
  ];
  const header = `070701${fields.map((field) => field.toString(16).toUpperCase().padStart(8, '0')).join('')}`;
  const bytes = new Uint8Array(header.length + nameBytes.length + 1);
  bytes.set(encodeText(header));
  bytes.set(nameBytes, header.length);
  return bytes;
}
