/**
 * One kernel module's file: its plain bytes, whatever it is compressed with, and what its `.modinfo` section says.
 *
 * Decompression runs the program of that format (kernels' packages and these programs come together); gzip and, where the runtime knows it, zstd need none.
 *
 * @source modinfo(8); Linux, include/linux/moduleinfo.h (`key=value`, each ended by NUL).
 */
import * as zlib from 'node:zlib';
import { decodeText, encodeText } from '../binary/text.ts';
import { hex } from '../binary/units.ts';
import type { System } from '../sys/system.ts';
import { elfHeader, sectionHeader } from '../vmcore/elf-layout.ts';
import { LinuxError } from './linux-error.ts';

type Tools = Pick<System, 'files' | 'programs'>;

/** Modules of GPUs reach 20 MiB; nothing we put in an image comes near. */
const maxModuleBytes = 128 * 1024 * 1024;
const decompressors: Readonly<Record<string, readonly (readonly string[])[]>> = {
  '.xz': [
    ['xz', '-d', '-f'],
    ['busybox', 'unxz', '-f'],
  ],
  '.zst': [['zstd', '-d', '-q', '-f', '--rm']],
  '.lz4': [['lz4', '-d', '-q', '-f', '--rm']],
};
const inProcess: Readonly<Record<string, ((bytes: Uint8Array, options: object) => Uint8Array) | undefined>> = {
  '.gz': (bytes, options) => zlib.gunzipSync(bytes, options),
  '.zst': (zlib as { zstdDecompressSync?: (bytes: Uint8Array, options: object) => Uint8Array }).zstdDecompressSync,
};

/**
 * The module as finit_module(2) takes it: an ELF file.
 * @throws LinuxError `linux/bad-module`; FilesError.
 */
export function readModuleFile(system: Tools, path: string): Uint8Array {
  const bytes = decompress(system, path);
  if (bytes.length < 64 || decodeText(bytes.subarray(1, 4)) !== 'ELF') {
    throw new LinuxError('linux/bad-module', `Cannot read kernel module "${path}": not an ELF file, expected one`, { where: path });
  }
  return bytes;
}

function decompress(system: Tools, path: string): Uint8Array {
  const suffix = /\.(xz|zst|gz|lz4)$/.exec(path)?.[0];
  if (suffix === undefined) return system.files.readBytes(path);
  const direct = inProcess[suffix];
  if (direct === undefined) return runDecompressor(system, path, suffix);
  try {
    return direct(system.files.readBytes(path), { maxOutputLength: maxModuleBytes });
  } catch (cause) {
    throw new LinuxError('linux/bad-module', `Cannot decompress kernel module "${path}"`, { where: path, cause });
  }
}

function runDecompressor({ files, programs }: Tools, path: string, suffix: string): Uint8Array {
  const argv = decompressors[suffix].find(([name]) => programs.find(name) !== undefined);
  if (argv === undefined) {
    const hint = `Install the program ${decompressors[suffix][0][0]}.`;
    throw new LinuxError('linux/bad-module', `Cannot decompress kernel module "${path}": no program for ${suffix} files`, {
      where: path,
      hint,
    });
  }
  const folder = files.makeWorkFolder();
  try {
    files.copy(path, `${folder}/module.ko${suffix}`);
    const result = programs.run([...argv, `${folder}/module.ko${suffix}`]);
    if (result.status === 0) return files.readBytes(`${folder}/module.ko`);
    const found = `${argv[0]} ended with status ${result.status}: ${result.stderr.trim()}`;
    throw new LinuxError('linux/bad-module', `Cannot decompress kernel module "${path}": ${found}`, { where: path });
  } finally {
    files.removeTree(folder);
  }
}

/**
 * All values of one key in a module's `.modinfo`, e.g. `firmware`, `vermagic`.
 * @param bytes as `readModuleFile` gives them.
 * @throws LinuxError `linux/bad-module` when the sections do not lie inside the file.
 */
export function moduleInfo(bytes: Uint8Array, key: string): readonly string[] {
  const section = findSection(bytes, '.modinfo');
  if (section === undefined) return [];
  const entries = new TextDecoder().decode(section).split('\0');
  return entries.filter((entry) => entry.startsWith(`${key}=`)).map((entry) => entry.slice(key.length + 1));
}

/** @source Linux, include/linux/module_signature.h: MODULE_SIG_STRING */
const signatureMark = encodeText('~Module signature appended~\n');

/** True when a signature follows the module; whose it is, only the kernel can tell. */
export function isSignedModule(bytes: Uint8Array): boolean {
  const end = bytes.subarray(-signatureMark.length);
  return end.length === signatureMark.length && signatureMark.every((byte, index) => byte === end[index]);
}

function findSection(bytes: Uint8Array, wanted: string): Uint8Array | undefined {
  const header = elfHeader.read(slice(bytes, 0, elfHeader.sizeBytes));
  if (header.shnum === 0 || header.shentsize !== sectionHeader.sizeBytes || header.shstrndx >= header.shnum) return undefined;
  const table = slice(bytes, Number(header.shoff), header.shnum * header.shentsize);
  const sections = Array.from({ length: header.shnum }, (_, index) => sectionHeader.read(table, index * header.shentsize));
  const { offset, size } = sections[header.shstrndx];
  const names = slice(bytes, Number(offset), Number(size));
  const found = sections.find(({ name }) => name < names.length && decodeText(names.subarray(name)) === wanted);
  return found === undefined ? undefined : slice(bytes, Number(found.offset), Number(found.size));
}

function slice(bytes: Uint8Array, offset: number, length: number): Uint8Array {
  if (offset + length > bytes.length) {
    const found = `${length} bytes at ${hex(offset)}, the module has ${bytes.length}`;
    throw new LinuxError('linux/bad-module', `Cannot read a section of a kernel module: ${found}, expected an end inside it`);
  }
  return bytes.subarray(offset, offset + length);
}
