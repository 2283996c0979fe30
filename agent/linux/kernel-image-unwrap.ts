/**
 * Takes the kernel that can be loaded out of what it is wrapped in: gzip, EFI zboot, a unified kernel image.
 *
 * Comes in: the whole file, hostile or not. Goes out: the bytes of a bzImage or an arm64 Image and what they are. What was signed as a whole is no longer
 * signed; a kernel that was signed before it was wrapped still is.
 */
import { gunzipSync } from 'node:zlib';
import { KcaptureError } from '../errors.ts';
import { MiB } from '../binary/units.ts';
import type { System } from '../sys/system.ts';
import { identifyKernel, type KernelImage } from './kernel-image.ts';
import { peSectionBytes, readPe } from './kernel-image-pe.ts';
import { readZboot } from './kernel-image-zboot.ts';
import { LinuxError } from './linux-error.ts';

export type PlainKernel = { readonly bytes: Uint8Array; readonly image: KernelImage };

/** A kernel in a zboot image in a gzip file: nobody wraps deeper. */
const maxLayers = 3;
/** Several times the largest distribution kernel. */
const maxKernelBytes = 256 * MiB;

/**
 * @returns the very bytes that came in when they are a plain kernel already.
 * @throws LinuxError `linux/kernel-image`: no kernel inside, damaged, or compressed in a way that cannot be undone here.
 */
export function unwrapKernel(system: Pick<System, 'openCodec'>, file: Uint8Array, path: string): PlainKernel {
  let bytes = file;
  for (let layer = 0; layer <= maxLayers; layer++) {
    const image = identifyKernel(bytes, path);
    if (image.kind === 'bzimage' || image.kind === 'arm64') return { bytes, image };
    if (image.kind === 'elf') throw damaged(path, 'it is an ELF file', 'Name the bzImage or Image that was built from it.');
    bytes = unwrapOnce(system, bytes, image, path);
  }
  throw damaged(path, `it is wrapped in more than ${maxLayers} layers`);
}

function unwrapOnce(system: Pick<System, 'openCodec'>, bytes: Uint8Array, image: KernelImage, path: string): Uint8Array {
  if (image.kind === 'gzip') return expandGzip(bytes, path);
  if (image.kind === 'uki') return takeLinuxSection(bytes, path);
  const { codec, payloadOffset, payloadBytes } = readZboot(bytes, path);
  const payload = bytes.subarray(payloadOffset, payloadOffset + payloadBytes);
  if (codec === 'gzip') return expandGzip(payload, path);
  if (codec.startsWith('zstd')) return expandZstd(system, bytes, payloadOffset, payloadBytes, path);
  throw damaged(
    path,
    `it is compressed with ${codec}`,
    `Unpack it once with a program that knows ${codec}, and name the result with --kernel.`,
  );
}

function expandGzip(bytes: Uint8Array, path: string): Uint8Array {
  try {
    return gunzipSync(bytes, { maxOutputLength: maxKernelBytes });
  } catch (cause) {
    throw damaged(path, `its gzip data does not expand (${cause instanceof Error ? cause.message : String(cause)})`, undefined, cause);
  }
}

/** The kernel's size stands in the four bytes behind the payload. */
function expandZstd(system: Pick<System, 'openCodec'>, bytes: Uint8Array, offset: number, length: number, path: string): Uint8Array {
  const sizeAt = offset + length;
  if (sizeAt + 4 > bytes.length) throw damaged(path, 'it ends before the size of the kernel');
  const sizeBytes = new DataView(bytes.buffer, bytes.byteOffset + sizeAt, 4).getUint32(0, true);
  if (sizeBytes === 0 || sizeBytes > maxKernelBytes) throw damaged(path, `the kernel inside claims ${sizeBytes} bytes`);
  const kernel = new Uint8Array(sizeBytes);
  const codec = system.openCodec('zstd');
  try {
    codec.decompress(bytes, offset, length, kernel, 0, sizeBytes);
    return kernel;
  } catch (cause) {
    throw damaged(
      path,
      `its zstd data does not expand (${cause instanceof KcaptureError ? cause.message : String(cause)})`,
      undefined,
      cause,
    );
  } finally {
    codec.close();
  }
}

function takeLinuxSection(bytes: Uint8Array, path: string): Uint8Array {
  const pe = readPe(bytes);
  const kernel = pe === undefined ? undefined : peSectionBytes(bytes, pe, '.linux');
  if (kernel === undefined || kernel.length === 0) throw damaged(path, 'its section ".linux" lies outside the file or is empty');
  return kernel;
}

function damaged(
  path: string,
  why: string,
  hint = 'Install the kernel package again, or name another kernel with --kernel.',
  cause?: unknown,
): LinuxError {
  return new LinuxError('linux/kernel-image', `Cannot take the kernel out of "${path}": ${why}`, { where: path, hint, cause });
}
