/** What the sum is made of, gathered from the machine. What cannot be found out is assumed, and the line says so. */
import type { Configuration } from '../../config/configuration.ts';
import { MiB } from '../../binary/units.ts';
import { KcaptureError } from '../../errors.ts';
import { lastValue, parseCommandLine } from '../../linux/command-line.ts';
import { readMemoryMap } from '../../linux/iomem.ts';
import { readLuksHeader } from '../../linux/luks-header.ts';
import { readMeminfo, readPageSize } from '../../linux/memory-info.ts';
import type { System } from '../../sys/system.ts';
import { chooseGenerator, type Generator } from '../image/build-image.ts';
import { prepareKernel } from '../load/prepare-kernel.ts';
import { hostPaths, imagePath } from '../paths.ts';
import { type ResolvedPlan, resolvePlan } from '../resolve-plan.ts';
import type { ImageSize, NeedFacts } from './memory-needs.ts';

export type GatheredFacts = { readonly facts: NeedFacts; readonly release: string; readonly warnings: readonly string[] };
export type FactOptions = {
  readonly configuration: Configuration;
  readonly kernel: string | undefined;
  readonly build: { readonly version: string; readonly commit: string };
  /** Size of an image other than the one that stands at its place. */
  readonly imageBytes?: number;
};

/** When neither the kernel's file nor the running kernel tells. */
const usualKernelBytes = 44 * MiB;
/** Measured: 0.63 with 6.1, 0.71 with 7.2. */
const stayingShare = 0.71;
/** A packed executable of 121 MB has 48 to 52 MB. */
const packedShare = 0.43;
/** Shell, libraries and scripts beside the payload: in our own image, and in one with systemd and udev (packed with gzip). */
const ownRestBytes = 6 * MiB;
const generatorRestBytes = 24 * MiB;
/** How much gzip takes off programs and libraries. */
const gzipShare = 0.4;
/** A compressed module has about a third of its size. */
const moduleShare = 0.33;

export function gatherNeedFacts(system: System, options: FactOptions): GatheredFacts {
  const warnings: string[] = [];
  const tryOr = <T>(otherwise: T, what: string, action: () => T): T => {
    try {
      return action();
    } catch (error) {
      if (!(error instanceof KcaptureError)) throw error;
      warnings.push(`${what}: ${error.message}`);
      return otherwise;
    }
  };
  const wish = options.kernel ?? options.configuration.kernel;
  const kernel = tryOr(undefined, 'The kernel file cannot be read, its size is assumed', () =>
    prepareKernel(system, wish, { store: false }),
  );
  const release = kernel?.release ?? system.kernel.utsname().release;
  const resolved = tryOr(undefined, 'Modules and layers of the target are not known', () =>
    resolvePlan(system, options.configuration, { kernelRelease: release, build: options.build }),
  );
  const generator = chooseGenerator(system, options.configuration.generator);
  const facts: NeedFacts = {
    ...kernelSize(system, release, kernel?.image.memoryBytes),
    image: imageSize(system, release, generator, options.imageBytes),
    moduleBytes: moduleBytes(system, resolved),
    memoryBytes: readMemoryBytes(system),
    pageBytes: readPageSize(system.files),
    cpus: captureCpus(options.configuration),
    framebufferBytes: framebufferBytes(system),
    luksBytes: luksBytes(system, resolved),
    usesSystemd: generator !== 'own',
  };
  return { facts, release, warnings };
}

/** The running kernel tells its sizes to root; a file tells how much it needs to start, of which this share stays. */
function kernelSize(system: System, release: string, fromFile: number | undefined): Pick<NeedFacts, 'kernelBytes' | 'kernelSource'> {
  const { kernelBytes } = readMemoryMap(system);
  if (kernelBytes > 0 && release === system.kernel.utsname().release) return { kernelBytes, kernelSource: 'as the running one' };
  if (fromFile !== undefined) return { kernelBytes: fromFile * stayingShare, kernelSource: "reckoned from the kernel's file" };
  return { kernelBytes: usualKernelBytes, kernelSource: 'assumed' };
}

/** The image that stands there, or what one made now would have. */
function imageSize(system: System, release: string, generator: Generator, known: number | undefined): ImageSize {
  const standing = known ?? system.files.status(imagePath(release))?.sizeBytes;
  const payloadBytes = payloadSize(system);
  if (generator === 'own') {
    const bytes = standing ?? payloadBytes + ownRestBytes;
    return {
      packedBytes: bytes,
      unpackedBytes: bytes,
      source: standing === undefined ? 'assumed: none is made yet' : 'the size of the image',
    };
  }
  const packedBytes = standing ?? payloadBytes + generatorRestBytes;
  const unpackedBytes = payloadBytes + Math.max(0, packedBytes - payloadBytes) / gzipShare;
  return {
    packedBytes,
    unpackedBytes,
    source: standing === undefined ? 'assumed: none is made yet' : 'reckoned from the size of the image',
  };
}

function payloadSize(system: System): number {
  const name = system.files.list(hostPaths.state).find((entry) => /^payload-[0-9a-f]{16}\.squashfs$/.test(entry));
  const packed = name === undefined ? undefined : system.files.status(`${hostPaths.state}/${name}`)?.sizeBytes;
  if (packed !== undefined) return packed;
  return Math.round((system.files.status(system.executablePath)?.sizeBytes ?? 110e6) * packedShare);
}

function moduleBytes(system: System, resolved: ResolvedPlan | undefined): number {
  const modules = [...(resolved?.earlyModules ?? []), ...(resolved?.modules ?? [])];
  return modules.reduce((sum, { path }) => {
    const bytes = system.files.status(path)?.sizeBytes ?? 0;
    return sum + (path.endsWith('.ko') ? bytes : bytes / moduleShare);
  }, 0);
}

/** RAM with what the firmware and the kernel took at the start, as well as that is known. */
export function readMemoryBytes(system: System): number {
  const { systemRamBytes } = readMemoryMap(system);
  if (systemRamBytes > 0) return systemRamBytes;
  return readMeminfo(system.files).get('MemTotal') ?? 0;
}

/** nr_cpus= in the configuration; one without it. */
function captureCpus({ commandLine }: Configuration): number {
  const words = parseCommandLine(`${commandLine.replace ?? ''} ${commandLine.append ?? ''}`);
  const count = Number(lastValue(words, 'nr_cpus') ?? 1);
  return Number.isInteger(count) && count >= 1 && count <= 8192 ? count : 1;
}

/** @source Documentation/fb/api.rst; drivers/video/fbdev/core/fbsysfs.c */
function framebufferBytes({ files }: System): number {
  const folder = '/sys/class/graphics/fb0';
  const size = /^(\d{1,5}),(\d{1,5})$/.exec(files.readTextIfThere(`${folder}/virtual_size`)?.trim() ?? '');
  const bits = Number(files.readTextIfThere(`${folder}/bits_per_pixel`)?.trim() ?? 0);
  return size === null || !(bits > 0 && bits <= 64) ? 0 : (Number(size[1]) * Number(size[2]) * bits) / 8;
}

function luksBytes(system: System, resolved: ResolvedPlan | undefined): number {
  const targets = resolved?.plan.targets ?? [];
  const ids = targets
    .flatMap((target) => ('layers' in target ? target.layers : []))
    .flatMap((layer) => (layer.kind === 'luks' ? [layer.uuid] : []));
  return Math.max(0, ...ids.map((uuid) => readLuksHeader(system, `/dev/disk/by-uuid/${uuid}`)?.keyMemoryBytes ?? 0));
}
