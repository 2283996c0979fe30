/**
 * One dump, from opening the source to naming the result: the operation behind `kcapture dump`, behind the name makedumpfile, and
 * behind the automatic run.
 *
 * Comes in: a request. Goes out: files on disk and a result that says what was kept, what was lost and how long it took.
 */
import { formatBytes, type PfnRange } from '../binary/units.ts';
import { wholeBitmap } from '../bitmap/windows.ts';
import type { PageCounts } from '../classify/page-kind.ts';
import type { CodecName, PageCodec } from '../compress/codec.ts';
import { KcaptureError } from '../errors.ts';
import { FlattenedSink } from '../format/flattened/flattened-sink.ts';
import { planSplit } from '../format/kdump/split.ts';
import { SinkError } from '../sink/sink.ts';
import type { System } from '../sys/system.ts';
import { type CopyCounts, copyPages, dropZeroPages, emptyCopyCounts } from './copy-pages.ts';
import { createWriter } from './create-writer.ts';
import { finalCounts } from './final-counts.ts';
import { createLevelControl, type LevelControl, type PagesByLevel } from './level-control.ts';
import { memoryLimit } from './memory-limit.ts';
import { type Kernel, openKernel } from './open-kernel.ts';
import { type Output, openOutput } from './output.ts';
import { type PageTeam, startTeam } from './page-team.ts';
import type { Progress } from './progress.ts';
import { type Selection, selectPages } from './select-pages.ts';
import { threadCount } from './thread-count.ts';

export type DumpRequest = {
  readonly source: string;
  /** One name, or one for each part of a split set. `-` is standard output. */
  readonly outputs: readonly string[];
  readonly format: 'kdump' | 'elf';
  readonly flattened: boolean;
  /** Undefined: pages are stored raw. */
  readonly codec: CodecName | undefined;
  /** `auto`: harder while the output is slower than the processors. Only zstd can; others take their default. */
  readonly codecLevel: number | 'auto' | undefined;
  /** Tried in turn when the output has no room. */
  readonly levels: readonly number[];
  readonly overwrite: boolean;
  /** Write under the final name from the start, as makedumpfile does. */
  readonly inPlace: boolean;
  readonly dryRun: boolean;
  readonly mmap: boolean;
  /** Through the page cache, one after the other. Default: past it, where the system can, while the next pages are compressed. */
  readonly plainWrites?: boolean;
  /** Default: one for each processor, as far as memory goes. */
  readonly threads?: number;
  /** What the bitmap of kept pages may take: a larger one is made in windows, by two scans. Default: a quarter of MemAvailable. */
  readonly memoryLimitBytes?: number;
};

/** Durations in milliseconds, sizes in bytes. Plain data: this is what `--json` prints. */
export type DumpResult = {
  readonly source: string;
  readonly outputs: readonly string[];
  /** False: what was written is readable, marked incomplete, and `problem` says why. */
  readonly complete: boolean;
  readonly problem?: string;
  /** Code of the error behind `problem`; `dump/unreadable` when the source lacks pages. */
  readonly problemCode?: string;
  readonly release: string;
  readonly format: 'kdump' | 'elf';
  readonly codec: CodecName | 'none';
  /** Pages by level of the codec, where it changed on the way. */
  readonly codecLevels?: PagesByLevel;
  /** The level that was used, with the bits a source dump had applied before. */
  readonly level: number;
  readonly pageSize: number;
  /** Highest page frame plus one. */
  readonly endPfn: number;
  readonly pages: PageCounts;
  /** An ELF dump keeps short runs of pages that are left out otherwise. */
  readonly elfExcludedPages?: number;
  readonly stored: CopyCounts;
  /** Windows that the bitmap of kept pages was made in, when it did not fit into one: the machine was scanned twice then. */
  readonly windows?: number;
  readonly writtenBytes: number;
  readonly elapsedMs: { readonly open: number; readonly filter: number; readonly copy: number; readonly finish: number };
  readonly peakMemoryBytes: number;
  readonly warnings: readonly string[];
};

/** What one attempt at one level needs. */
type Attempt = {
  readonly system: System;
  readonly request: DumpRequest;
  readonly kernel: Kernel;
  readonly level: number;
  readonly selection: Selection;
  readonly codec: PageCodec | undefined;
  /** Threads that compress; undefined: this one does. */
  readonly team: PageTeam | undefined;
  readonly control: LevelControl | undefined;
  readonly progress: Progress;
};

type Written = {
  outputs: string[];
  /** How many outputs have their headers. */
  begun: number;
  stored: CopyCounts;
  writtenBytes: number;
  excludedPages?: number;
  problem?: string;
  problemCode?: string;
  copiedAt: number;
};

/**
 * @throws KcaptureError when no dump could be made at all. A dump that ended early does not throw: its result is not `complete`.
 */
export function dump(
  system: System,
  request: DumpRequest,
  progress: Progress,
  onKernelFacts: (text: string) => void = () => {},
): DumpResult {
  const startedAt = system.now();
  const kernel = openKernel(system, [request.source], { mmap: request.mmap });
  onKernelFacts(kernel.info.text);
  const codecLevel = request.codecLevel === 'auto' ? undefined : request.codecLevel;
  const codec = request.codec === undefined ? undefined : system.openCodec(request.codec, codecLevel);
  const threads = codec === undefined ? 1 : threadCount(system, request.threads);
  const team =
    codec === undefined || threads < 2 ? undefined : startTeam(system, kernel.memory, codec, { ...request, codecLevel, threads });
  const limitBytes = memoryLimit(system, request.memoryLimitBytes);
  const control = createLevelControl(system, request.codecLevel === 'auto' && codec?.setLevel !== undefined);
  try {
    const openedAt = system.now();
    for (const [attempt, asked] of request.levels.entries()) {
      const level = asked | kernel.memory.dumpLevel;
      const isLast = attempt === request.levels.length - 1;
      const tried = tryLevel({ system, request, kernel, level, codec, team, control, progress }, limitBytes, isLast);
      if (tried !== 'no-space') return { ...tried, elapsedMs: { open: openedAt - startedAt, ...tried.elapsedMs } };
    }
    throw new SinkError('sink/no-space', 'Cannot write the dump: no level was given');
  } finally {
    team?.exchange.stop();
    codec?.close();
    kernel.memory.close();
  }
}

type LevelResult = Omit<DumpResult, 'elapsedMs'> & { readonly elapsedMs: Omit<DumpResult['elapsedMs'], 'open'> };

function tryLevel(job: Omit<Attempt, 'selection'>, limitBytes: number, isLast: boolean): LevelResult | 'no-space' {
  const { system, request, kernel, level, control } = job;
  const startedAt = system.now();
  const selection = select(job, limitBytes);
  try {
    const filteredAt = system.now();
    const earlierMs = selection.passMs;
    const written = writeOutputs({ ...job, selection }, isLast);
    if (written === 'no-space') return written;
    const finishedAt = system.now();
    const laterMs = selection.passMs - earlierMs;
    return {
      source: request.source,
      outputs: written.outputs,
      complete: written.problem === undefined,
      ...(written.problem === undefined ? {} : { problem: written.problem, problemCode: written.problemCode }),
      release: kernel.info.plain('OSRELEASE') ?? 'unknown',
      format: request.format,
      codec: request.codec ?? 'none',
      ...(control === undefined ? {} : { codecLevels: control.pagesByLevel() }),
      level,
      pageSize: kernel.memory.pageSize,
      endPfn: kernel.memory.endPfn,
      pages: finalCounts(selection.counts, request.format === 'elf' ? selection.counts.zero : written.stored.zero),
      ...(written.excludedPages === undefined ? {} : { elfExcludedPages: written.excludedPages }),
      stored: written.stored,
      ...(selection.kept.windowCount > 1 ? { windows: selection.kept.windowCount } : {}),
      writtenBytes: written.writtenBytes,
      elapsedMs: {
        filter: filteredAt - startedAt + laterMs,
        copy: written.copiedAt - filteredAt - laterMs,
        finish: finishedAt - written.copiedAt,
      },
      peakMemoryBytes: system.peakMemoryBytes(),
      warnings: [...selection.warnings, ...overLimit(request, kernel, limitBytes)],
    };
  } finally {
    selection.close();
  }
}

/** The pages of the dump: in windows where their bitmap is over the limit, unless the format needs all of it. */
function select({ system, request, kernel, level, progress }: Omit<Attempt, 'selection'>, limitBytes: number): Selection {
  const windowPages = needsWholeBitmap(request) ? undefined : limitBytes * 8;
  const selection = selectPages(kernel, level, progress, { windowPages, now: system.now });
  if (request.format === 'elf' && level & 1) removeZeroPages(kernel, selection, progress);
  return selection;
}

function needsWholeBitmap({ format, outputs }: DumpRequest): boolean {
  return format === 'elf' || outputs.length > 1;
}

function overLimit(request: DumpRequest, { memory }: Kernel, limitBytes: number): string[] {
  const bytes = memory.endPfn / 8;
  if (bytes <= limitBytes || !needsWholeBitmap(request)) return [];
  const who = request.format === 'elf' ? 'an ELF dump' : 'a split dump';
  return [`The bitmap takes ${formatBytes(bytes)}, more than the limit of ${formatBytes(limitBytes)}: ${who} needs all of it at once`];
}

/** Pages of zeros are among them, but for an ELF dump. */
function pagesToCopy({ counts }: Selection): number {
  return counts.kept - counts.zero;
}

function removeZeroPages({ memory }: Kernel, selection: Selection, progress: Progress): void {
  progress.start('zero scan', memory.endPfn, memory.pageSize);
  selection.counts.zero = dropZeroPages(memory, wholeBitmap(selection.kept), (pfn) => progress.update(pfn));
  progress.end();
}

/**
 * Writes every output of one attempt. A split set is named when all of its parts are there.
 * @returns `no-space` when the output had no room and another level may be tried; the attempt is removed then.
 */
function writeOutputs(attempt: Attempt, isLast: boolean): Written | 'no-space' {
  const { system, request, selection, progress } = attempt;
  const outputs = openOutputs(system, request);
  const ranges = outputs.length > 1 ? planSplit(wholeBitmap(selection.kept), outputs.length) : [undefined];
  const written: Written = {
    outputs: [],
    begun: 0,
    stored: emptyCopyCounts(),
    writtenBytes: 0,
    copiedAt: 0,
  };
  try {
    for (const [part, output] of outputs.entries()) writeOne(attempt, output, ranges[part], written);
    if (written.problem === undefined) for (const output of outputs) output.commit();
  } catch (error) {
    if (!(error instanceof KcaptureError)) throw error;
    const mayRetry = error.code === 'sink/no-space' && !isLast;
    const isUseless = written.begun === 0 || request.outputs.includes('-');
    if (mayRetry || isUseless) for (const output of outputs) output.discard();
    if (mayRetry) return 'no-space';
    if (isUseless) throw error;
    written.problem = error.message;
    written.problemCode = error.code;
    written.copiedAt ||= system.now();
  } finally {
    if (written.begun > 0) progress.end();
  }
  if (written.problem !== undefined) {
    for (const output of outputs.splice(written.begun)) output.discard();
    for (const output of outputs) output.keepIncomplete();
  }
  written.outputs = outputs.map(({ path }) => path);
  return written;
}

/** All of them before the first byte is written. */
function openOutputs(system: System, request: DumpRequest): Output[] {
  const outputs: Output[] = [];
  try {
    for (const path of request.outputs) {
      outputs.push(openOutput(system, path, { ...request, inputs: [request.source, ...outputs.map((output) => output.path)] }));
    }
    return outputs;
  } catch (error) {
    for (const output of outputs) output.discard();
    throw error;
  }
}

/** One file: writer, pages, end. Adds to `written`. */
function writeOne(
  { system, request, kernel, level, selection, codec, team, control, progress }: Attempt,
  output: Output,
  range: PfnRange | undefined,
  written: Written,
): void {
  const sink = control?.watch(output.sink) ?? output.sink;
  const flattened = request.flattened ? new FlattenedSink(sink) : undefined;
  const writer = createWriter(flattened ?? sink, {
    kernel,
    level,
    kept: selection.kept,
    format: request.format,
    codec: request.codec,
    range,
  });
  if (written.begun++ === 0) progress.start('copying', pagesToCopy(selection), kernel.memory.pageSize);
  try {
    const job = {
      memory: kernel.memory,
      writer,
      codec,
      team,
      control,
      shareZero: request.format === 'kdump' && (level & 1) !== 0,
      range,
      counts: written.stored,
    };
    for (const window of selection.kept.windows()) {
      writer.startWindow?.(window);
      const { zero, compressed, raw, unreadable } = written.stored;
      const copied = zero + compressed + raw + unreadable;
      copyPages({ ...job, kept: window.bits, base: window.start, onProgress: (done) => progress.update(copied + done) });
    }
    writer.finish();
    flattened?.end();
    written.copiedAt = system.now();
    written.excludedPages = writer.excludedPages;
    const lost = written.stored.unreadable;
    if (lost > 0) {
      written.problem = `Cannot read ${lost} pages of "${request.source}": the dump lacks them`;
      written.problemCode = 'dump/unreadable';
    }
  } catch (error) {
    writer.abandon();
    throw error;
  } finally {
    written.writtenBytes += writer.writtenBytes;
  }
}
