/**
 * The header of an EFI zboot image: a small EFI program with a compressed kernel behind it.
 *
 * ```
 * "MZ\0\0" "zimg" payload offset, payload size, 8 bytes 0, name of the compression, … payload [, size of the kernel (4 bytes), unless gzip knows it itself]
 * ```
 *
 * @source drivers/firmware/efi/libstub/zboot-header.S, Makefile.zboot
 */
import { defineStruct } from '../binary/struct.ts';
import { decodeText, encodeText } from '../binary/text.ts';
import { LinuxError } from './linux-error.ts';

const zbootHeader = defineStruct('zboot header', 56, {
  dos: [0, 'u32'],
  magic: [4, { bytes: 4 }],
  payloadOffset: [8, 'u32'],
  payloadBytes: [12, 'u32'],
  codec: [24, { bytes: 32 }],
});

const magic = encodeText('zimg');

export type Zboot = {
  /** As the header names it: `gzip`, `zstd22`, `lzma`, `xzkern`, `lz4`, `lzo`. */
  readonly codec: string;
  readonly payloadOffset: number;
  readonly payloadBytes: number;
};

export function isZboot(bytes: Uint8Array): boolean {
  if (bytes.length < zbootHeader.sizeBytes || bytes[0] !== 0x4d || bytes[1] !== 0x5a) return false;
  return magic.every((byte, index) => bytes[4 + index] === byte);
}

/** @throws LinuxError `linux/kernel-image` when the payload does not lie inside the file. */
export function readZboot(bytes: Uint8Array, path: string): Zboot {
  const { payloadOffset, payloadBytes, codec } = zbootHeader.read(bytes);
  const end = payloadOffset + payloadBytes;
  if (payloadBytes === 0 || payloadOffset < zbootHeader.sizeBytes || end > bytes.length) {
    throw new LinuxError(
      'linux/kernel-image',
      `Cannot read the kernel inside "${path}": it ends at ${end}, the file has ${bytes.length} bytes`,
      {
        where: path,
        hint: 'The file is damaged or was cut: install the kernel package again.',
      },
    );
  }
  return { codec: decodeText(codec).replace(/[^\x21-\x7e]/g, '?'), payloadOffset, payloadBytes };
}
