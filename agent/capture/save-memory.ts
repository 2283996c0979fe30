/**
 * The memory, on one target: as it is wished, or as much of it as can be had. Every step down is logged and ends up in the manifest.
 */
import { formatBytes } from '../binary/units.ts';
import { type DumpRequest, type DumpResult, dump } from '../dump/dump.ts';
import type { KcaptureError } from '../errors.ts';
import type { System } from '../sys/system.ts';
import type { DumpStore } from '../target/dump-store.ts';
import { withBounds } from './bounded-sink.ts';
import { checkBrokenOff, meansBrokenOff } from './broken-off.ts';
import { asKcaptureError, CaptureError } from './capture-error.ts';
import { createCaptureProgress } from './capture-progress.ts';
import { dumpRequest, runCollector } from './collector.ts';
import { copySource } from './copy-source.ts';
import { copyRung, nextRung, type Rung } from './ladder.ts';
import { noteElapsed, type Run } from './run.ts';
import { watchPace } from './watch-pace.ts';

export type SavedMemory = {
  readonly amount: 'complete' | 'partial' | 'none';
  readonly result: DumpResult | undefined;
  readonly lost: readonly string[];
  readonly warnings: readonly string[];
  /** Why it is not complete. */
  readonly problem: KcaptureError | undefined;
};

/**
 * How often the memory is sent to a server that takes a stream and lost it: what was dumped from is still there. One that could not be reached again
 * within the retry limit has had its time.
 */
const mostBegun = 3;

/** Never throws for what can go wrong with a dump. @throws CaptureError `capture/broken-off` */
export function saveMemory(run: Run, store: DumpStore): SavedMemory {
  const { collector } = run.settings.configuration;
  const since = run.system.now();
  const lost: string[] = [];
  const isProgram = collector.kind === 'program' && run.settings.mode === 'full';
  const saved = (isProgram ? tryProgram(run, store, collector.argv, lost) : undefined) ?? saveByLadder(run, store, lost);
  if (meansBrokenOff(saved.problem)) {
    store.giveUp?.();
    throw saved.problem;
  }
  store.finishMemory(saved.amount === 'complete');
  noteElapsed(run, 'dump', since);
  return saved;
}

function tryProgram(run: Run, store: DumpStore, argv: readonly string[], lost: string[]): SavedMemory | undefined {
  try {
    const { writtenBytes } = runCollector(run, store, argv);
    run.log.info(`${argv[0]} wrote ${formatBytes(writtenBytes)}`);
    return { amount: 'complete', result: undefined, lost, warnings: [], problem: undefined };
  } catch (error) {
    note(run, lost, `${asKcaptureError(error).message}; kcapture saves the memory by itself`);
    return undefined;
  }
}

function saveByLadder(run: Run, store: DumpStore, lost: string[]): SavedMemory {
  const system = boundedSystem(run, store);
  const used = new Set<Rung>();
  let request = dumpRequest(run, store);
  let isExpected = false;
  for (let begun = 1; ; ) {
    const looksAhead = store.expectIncomplete !== undefined && !isExpected;
    const tried = tryDump(run, system, request, { copies: used.has(copyRung), looksAhead });
    if (tried.problem === undefined) return { ...(isExpected ? withoutName(tried) : tried), lost };
    const isWorthBeginning = tried.problem.code === 'sink/broken' && (store.transfer?.().sentBytes ?? 0) > 0;
    if (isWorthBeginning && begun < mostBegun && run.system.now() < run.limit.dumpEndsAt) {
      begun++;
      run.log.warn(`${tried.problem.message}: the memory is sent again from its start`);
      continue;
    }
    const rung = run.system.now() < run.limit.dumpEndsAt ? nextRung(tried.problem, request, used) : undefined;
    if (rung === undefined && looksAhead && isWorthSending(tried) && run.system.now() < run.limit.dumpEndsAt) {
      run.log.warn(
        `${tried.problem.message}: the server keeps nothing of it, so the memory is sent again under the name that says incomplete`,
      );
      store.expectIncomplete?.();
      isExpected = true;
      continue;
    }
    if (rung === undefined) {
      note(run, lost, tried.problem.message);
      return { ...tried, lost };
    }
    note(run, lost, `${rung.lost} (${tried.problem.message})`);
    used.add(rung);
    request = rung.change(request);
  }
}

type Tried = Omit<SavedMemory, 'lost'>;

/** The target took what it was given, and would take it again. */
function isWorthSending({ amount, problem }: Tried): boolean {
  return (
    amount === 'partial' &&
    problem !== undefined &&
    !['capture/time-limit', 'capture/broken-off'].includes(problem.code) &&
    !problem.code.startsWith('sink/')
  );
}

/** More could be sent than was expected, and the server cannot rename it. */
function withoutName(tried: Tried): Tried {
  const problem = new CaptureError(
    'capture/unnamed',
    'The memory is whole, but was begun under the name that says incomplete and keeps it',
  );
  return { ...tried, amount: 'partial', problem };
}

type Ways = { readonly copies: boolean; readonly looksAhead: boolean };

function tryDump(run: Run, system: System, request: DumpRequest, { copies, looksAhead }: Ways): Tried {
  const { dumpEndsAt } = run.limit;
  const onLook = () => checkBrokenOff(run.settings);
  const shown = createCaptureProgress(run.system, { log: run.log, pulse: run.pulse, endsAt: dumpEndsAt, onLook });
  const progress = looksAhead && Number.isFinite(dumpEndsAt) ? watchPace(run.system, shown, dumpEndsAt) : shown;
  try {
    if (copies) {
      const { unreadableBytes, problem } = copySource(
        system,
        { source: request.source, path: request.outputs[0], flattened: request.flattened },
        progress,
      );
      const warnings = unreadableBytes === 0 ? [] : [`${formatBytes(unreadableBytes)} of the source could not be read and stand as zeros`];
      return { amount: problem === undefined ? 'complete' : 'partial', result: undefined, warnings, problem };
    }
    const result = dump(system, request, progress);
    const { warnings } = result;
    if (result.complete) return { amount: 'complete', result, warnings, problem: undefined };
    const problem = new CaptureError(result.problemCode ?? 'capture/internal', result.problem ?? 'The dump ended early');
    return { amount: 'partial', result, warnings, problem };
  } catch (error) {
    return { amount: 'none', result: undefined, warnings: [], problem: asKcaptureError(error) };
  }
}

function boundedSystem({ settings, pulse }: Run, store: DumpStore): System {
  return withBounds(store.memory.system, {
    // Nothing else lives on a raw device.
    minFreeBytes: store.folder === undefined ? 0 : settings.configuration.minFreeBytes,
    freeBytes: () => store.freeBytes(),
    onWrite() {
      pulse.beat();
      checkBrokenOff(settings);
    },
  });
}

function note({ log }: Run, lost: string[], sentence: string): void {
  lost.push(sentence);
  log.warn(sentence);
}
