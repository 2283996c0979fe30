/**
 * One dump, from opening the source to naming the result: the operation behind `kcapture dump`, behind the name makedumpfile, and
 * behind the automatic run.
 *
 * Comes in: a request. Goes out: files on disk and a result that says what was kept, what was lost and how long it took.
 */
import type { PfnRange } from '../binary/units.ts';
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
import { type Kernel, openKernel } from './open-kernel.ts';
import { type Output, openOutput } from './output.ts';
import { type PageTeam, startTeam } from './page-team.ts';
import type { Progress } from './progress.ts';
import { type Selection, selectPages } from './select-pages.ts';

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
  readonly threads: number;
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
  const team = codec === undefined || request.threads < 2 ? undefined : startTeam(system, kernel.memory, codec, { ...request, codecLevel });
  const control = createLevelControl(system, request.codecLevel === 'auto' && codec?.setLevel !== undefined);
  try {
    const openedAt = system.now();
    for (const [attempt, asked] of request.levels.entries()) {
      const isLast = attempt === request.levels.length - 1;
      const level = asked | kernel.memory.dumpLevel;
      const filterStartedAt = system.now();
      const selection = selectPages(kernel, level, progress);
      if (request.format === 'elf' && level & 1) removeZeroPages(kernel, selection, progress);
      const filteredAt = system.now();
      const written = writeOutputs({ system, request, kernel, level, selection, codec, team, control, progress }, isLast);
      if (written === 'no-space') continue;
      const finishedAt = system.now();
      const counts = finalCounts(selection.counts, request.format === 'elf' ? selection.counts.zero : written.stored.zero);
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
        pages: counts,
        ...(written.excludedPages === undefined ? {} : { elfExcludedPages: written.excludedPages }),
        stored: written.stored,
        writtenBytes: written.writtenBytes,
        elapsedMs: {
          open: openedAt - startedAt,
          filter: filteredAt - filterStartedAt,
          copy: written.copiedAt - filteredAt,
          finish: finishedAt - written.copiedAt,
        },
        peakMemoryBytes: system.peakMemoryBytes(),
        warnings: selection.warnings,
      };
    }
    throw new SinkError('sink/no-space', 'Cannot write the dump: no level was given');
  } finally {
    team?.exchange.stop();
    codec?.close();
    kernel.memory.close();
  }
}

function removeZeroPages({ memory }: Kernel, selection: Selection, progress: Progress): void {
  progress.start('zero scan', memory.endPfn, memory.pageSize);
  selection.counts.zero = dropZeroPages(memory, selection.kept, (pfn) => progress.update(pfn));
  progress.end();
}

/**
 * Writes every output of one attempt. A split set is named when all of its parts are there.
 * @returns `no-space` when the output had no room and another level may be tried; the attempt is removed then.
 */
function writeOutputs(attempt: Attempt, isLast: boolean): Written | 'no-space' {
  const { system, request, kernel, selection, progress } = attempt;
  const outputs = openOutputs(system, request);
  const ranges = outputs.length > 1 ? planSplit(selection.kept, outputs.length) : [undefined];
  const written: Written = {
    outputs: [],
    begun: 0,
    stored: emptyCopyCounts(),
    writtenBytes: 0,
    copiedAt: 0,
  };
  progress.start('copying', selection.kept.count(), kernel.memory.pageSize);
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
    progress.end();
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
  written.begun++;
  const { zero, compressed, raw } = written.stored;
  const copied = zero + compressed + raw;
  try {
    const job = {
      memory: kernel.memory,
      kept: selection.kept,
      writer,
      codec,
      team,
      control,
      shareZero: request.format === 'kdump' && (level & 1) !== 0,
      range,
      counts: written.stored,
      onProgress: (done: number) => progress.update(copied + done),
    };
    copyPages(job);
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
