/**
 * The executable as the image carries it: one squashfs, made once for each executable and kept.
 *
 * Unpacked it would take 109 MB of a capture kernel's memory; packed it takes 42, and nothing that makes images can strip it.
 * Measured on 2 CPUs: xz with 1 MiB blocks and the filter for x86 code 41.7 MB in 23 s; without CONFIG_SQUASHFS_XZ zstd, 45.5 MB in 13 s.
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
  readonly option: string;
  readonly words: (machine: string) => readonly string[];
};

const packings: readonly Packing[] = [
  { id: 4, option: 'SQUASHFS_XZ', words: (machine) => ['-comp', 'xz', '-b', '1M', ...(machine === 'x86_64' ? ['-Xbcj', 'x86'] : [])] },
  { id: 6, option: 'SQUASHFS_ZSTD', words: () => ['-comp', 'zstd', '-b', '1M', '-Xcompression-level', '19'] },
  { id: 1, option: 'SQUASHFS_ZLIB', words: () => ['-comp', 'gzip', '-b', '1M'] },
];
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
  const hash = system.files.sha256(system.executablePath);
  const path = payloadPath(hash);
  const packing = choosePacking(system, kernelRelease);
  if (system.programs.find('mksquashfs') === undefined) return plainPayload(system);
  if (packing === undefined) return plainPayload(system, `the kernel ${kernelRelease} cannot read squashfs`);
  if (readCompression(system, path) !== packing.id) pack(system, packing, path, hash);
  removeOthers(system, path);
  return { kind: 'squashfs', path, warnings: [] };
}

/** The smallest one the kernel can read; one whose configuration is unknown is taken to be as distributions build it. */
function choosePacking(system: System, release: string): Packing | undefined {
  const options = readKernelConfig(system, release)?.options;
  if (options === undefined) return packings[0];
  return packings.find(
    ({ option }) =>
      options.get(`${option}`) === 'y' &&
      (option !== 'SQUASHFS_XZ' || options.get('XZ_DEC_X86') !== undefined || system.kernel.utsname().machine !== 'x86_64'),
  );
}

function plainPayload(system: System, why = 'mksquashfs is missing'): Payload {
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
    const machine = system.kernel.utsname().machine;
    run(system, ['mksquashfs', `${work}/in`, unfinished, ...packing.words(machine), ...alwaysTheSame], packingTimeoutMs);
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
