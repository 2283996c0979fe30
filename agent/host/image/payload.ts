/**
 * The executable as the image carries it: one squashfs, made once for each executable and kept.
 *
 * Unpacked it would take 121 MB of a capture kernel's memory; packed it takes 52, and nothing that makes images can strip it. Whole blocks come into
 * memory for every page that is wanted of them: with 1 MiB a dump in a reservation of 160 MB took minutes, with 128 KiB seconds. Measured in an
 * emulated capture kernel of 192 MB, start of the program and a dump of 2 GiB: xz with the filter for x86 code 4.3 and 16.3 s in blocks of 128 KiB (48.1
 * MB), 4.1 and 16.9 in 64 KiB (50.0 MB); zstd 1.8 and 12.7 in 128 KiB (52.2 MB), 2.1 and 12.2 in 64 KiB (53.9 MB).
 */
import { readKernelConfig } from '../../linux/kernel-config.ts';
import type { System } from '../../sys/system.ts';
import { hostPaths, payloadPath } from '../paths.ts';
import { ImageError } from './cpio.ts';

export type Payload = {
  /** `plain`: mksquashfs is missing, and the executable travels as it is. */
  readonly kind: 'squashfs' | 'plain';
  readonly path: string;
  readonly warnings: readonly string[];
};

type Packing = {
  /** Number in the superblock. @source Linux, fs/squashfs/squashfs_fs.h */
  readonly id: number;
  /** What the kernel must have been built with. */
  readonly options: readonly string[];
  readonly words: readonly string[];
};

const blocks = ['-b', '128K'];
const zstd: Packing = { id: 6, options: ['SQUASHFS_ZSTD'], words: ['-comp', 'zstd', '-Xcompression-level', '19'] };
const gzip: Packing = { id: 1, options: ['SQUASHFS_ZLIB'], words: ['-comp', 'gzip'] };
/** The best first; no number twice, for that is all that tells them apart later. */
const packings: Readonly<Record<string, readonly Packing[]>> = {
  x86_64: [zstd, { id: 4, options: ['SQUASHFS_XZ', 'XZ_DEC_X86'], words: ['-comp', 'xz', '-Xbcj', 'x86'] }, gzip],
  any: [zstd, { id: 4, options: ['SQUASHFS_XZ'], words: ['-comp', 'xz'] }, gzip],
};
const alwaysTheSame = [
  '-noappend',
  '-no-progress',
  '-quiet',
  '-all-root',
  '-no-xattrs',
  '-no-exports',
  '-mkfs-time',
  '0',
  '-all-time',
  '0',
];
const packingTimeoutMs = 15 * 60_000;
const startTimeoutMs = 60_000;

/**
 * The payload of this executable for a kernel, made when it is not there yet; payloads of other executables are removed.
 *
 * @throws ImageError `image/payload` when what was packed does not start; FilesError.
 */
export function ensurePayload(system: System, kernelRelease: string): Payload {
  if (system.programs.find('mksquashfs') === undefined) return plainPayload(system, 'mksquashfs is missing');
  const usable = usablePackings(system, kernelRelease);
  if (usable.length === 0) return plainPayload(system, `the kernel ${kernelRelease} cannot read squashfs`);
  const hash = system.files.sha256(system.executablePath);
  const path = payloadPath(hash);
  if (!usable.some(({ id }) => id === readCompression(system, path))) packBest(system, usable, path, hash);
  removeOthers(system, path);
  return { kind: 'squashfs', path, warnings: [] };
}

/** What mksquashfs is told where kernel and mksquashfs know everything: for whoever makes payloads in advance. @param machine As `uname -m` says. */
export function bestPackingWords(machine: string): readonly string[] {
  return mksquashfsWords((packings[machine] ?? packings.any)[0]);
}

function mksquashfsWords({ words }: Packing): readonly string[] {
  return [...words, ...blocks, ...alwaysTheSame];
}

/** A kernel whose configuration is unknown is taken to be as distributions build it. */
function usablePackings(system: System, release: string): readonly Packing[] {
  const all = packings[system.kernel.utsname().machine] ?? packings.any;
  const options = readKernelConfig(system, release)?.options;
  return options === undefined ? all : all.filter((packing) => packing.options.every((name) => options.get(name) === 'y'));
}

/** mksquashfs too may have been built without one or the other. */
function packBest(system: System, usable: readonly Packing[], path: string, hash: string): void {
  for (const [index, packing] of usable.entries()) {
    try {
      return pack(system, packing, path, hash);
    } catch (error) {
      if (!(error instanceof ImageError) || index === usable.length - 1) throw error;
    }
  }
}

function plainPayload(system: System, why: string): Payload {
  const warning = `${why}: the image holds the whole executable and needs some 70 MB more of reserved memory; install squashfs-tools`;
  return { kind: 'plain', path: system.executablePath, warnings: [warning] };
}

/** `undefined` when there is no such file or it is no squashfs. */
function readCompression({ files }: System, path: string): number | undefined {
  if (files.status(path) === undefined) return undefined;
  const head = files.readAt(path, 0, 96);
  const isSquashfs = head.length === 96 && String.fromCharCode(...head.subarray(0, 4)) === 'hsqs';
  return isSquashfs ? head[20] + head[21] * 256 : undefined;
}

function pack(system: System, packing: Packing, path: string, hash: string): void {
  const { files } = system;
  const work = files.makeWorkFolder();
  const unfinished = `${path}-incomplete`;
  try {
    files.makeFolder(hostPaths.state);
    files.makeFolder(`${work}/in`);
    files.copy(system.executablePath, `${work}/in/kcapture`, 0o755);
    files.remove(unfinished);
    run(system, ['mksquashfs', `${work}/in`, unfinished, ...mksquashfsWords(packing)], packingTimeoutMs);
    prove(system, unfinished, `${work}/out`, hash);
    files.sync(unfinished);
    system.rename(unfinished, path);
  } finally {
    files.remove(unfinished);
    files.removeTree(work);
  }
}

/** Unpacks it again: the same bytes must come out, and they must start. */
function prove(system: System, image: string, folder: string, hash: string): void {
  run(system, ['unsquashfs', '-no-progress', '-quiet', '-d', folder, image], packingTimeoutMs);
  const unpacked = system.files.sha256(`${folder}/kcapture`);
  if (unpacked !== hash)
    throw new ImageError('image/payload', `Cannot use "${image}": the executable in it has SHA-256 ${unpacked}, expected ${hash}`);
  run(system, [`${folder}/kcapture`, 'version'], startTimeoutMs);
}

function run({ programs }: System, argv: readonly string[], timeoutMs: number): void {
  const { status, stderr } = programs.run(argv, { timeoutMs });
  if (status === 0) return;
  const said = stderr.trim().split('\n').slice(-3).join('; ');
  throw new ImageError('image/payload', `Cannot pack the executable: ${argv[0]} ended with status ${status}: ${said}`, {
    hint: status === 124 ? 'It ran out of time.' : 'See whether there is room in /var/tmp and /var/lib/kcapture.',
  });
}

function removeOthers({ files }: System, path: string): void {
  for (const name of files.list(hostPaths.state).filter((entry) => /^payload-[0-9a-f]{16}\.squashfs(-incomplete)?$/.test(entry))) {
    if (`${hostPaths.state}/${name}` !== path) files.remove(`${hostPaths.state}/${name}`);
  }
}
