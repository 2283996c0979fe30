/** The dump as the configuration wants it: our own request, or a program of the administrator's. */
import type { Collector } from '../config/configuration.ts';
import type { DumpRequest } from '../dump/dump.ts';
import { unfinished } from '../target/dump-name.ts';
import type { DumpStore } from '../target/dump-store.ts';
import { CaptureError } from './capture-error.ts';
import type { Run } from './run.ts';

/** What is made when a program of one's own fails. */
const ownCollector: Collector & { kind: 'own' } = {
  kind: 'own',
  levels: [31],
  codec: 'zstd',
  codecLevel: undefined,
  format: 'kdump',
  flattened: false,
  threads: 0,
};

/** @param store says whether it takes a stream and nothing else. */
export function dumpRequest({ settings }: Run, store: DumpStore): DumpRequest {
  const { collector } = settings.configuration;
  const own = collector.kind === 'own' ? collector : ownCollector;
  const isSafe = settings.mode !== 'full';
  return {
    source: settings.source,
    outputs: [store.memory.path],
    format: own.format,
    flattened: store.memory.flattened || (own.flattened && store.folder !== undefined),
    codec: own.format === 'elf' ? undefined : own.codec,
    // What waits for a network has time to compress harder.
    codecLevel: own.codecLevel ?? (store.transfer === undefined || own.codec !== 'zstd' ? undefined : 'auto'),
    levels: own.levels,
    overwrite: true,
    inPlace: false,
    dryRun: false,
    mmap: !isSafe,
    plainWrites: isSafe,
    memoryLimitBytes: settings.configuration.memoryLimitBytes,
    // Beside the network thread another takes 40 MB (measured), and there is little memory; the network is what is waited for.
    threads: isSafe ? 1 : own.threads || (store.transfer === undefined ? undefined : 1),
  };
}

const longestMs = 12 * 3600 * 1000;

/**
 * Runs the administrator's program on the source and a file of the store.
 * @throws CaptureError `capture/collector` when it fails or leaves nothing.
 */
export function runCollector(run: Run, store: DumpStore, argv: readonly string[]): { readonly writtenBytes: number } {
  const { system, settings, log, pulse, limit } = run;
  if (store.folder === undefined)
    throw new CaptureError('capture/collector', `Cannot let ${argv[0]} write to "${store.where}": it needs a folder`);
  const path = store.memory.path + unfinished;
  const timeoutMs = Math.min(longestMs, limit.dumpEndsAt - system.now());
  log.info(`running ${argv[0]}`);
  pulse.allow(timeoutMs);
  const { status, stderr } = system.programs.run([...argv, settings.source, path], { timeoutMs });
  pulse.beat();
  const words = stderr.trim().split('\n').slice(-5).join('; ');
  const size = system.files.linkStatus(path);
  if (status !== 0 || size?.kind !== 'file' || size.sizeBytes === 0) {
    const what = status === 0 ? 'it wrote nothing' : status === 124 ? 'it was ended: the time was over' : `it ended with ${status}`;
    throw new CaptureError('capture/collector', `Cannot save the memory with ${argv[0]}: ${what}${words === '' ? '' : `: ${words}`}`);
  }
  system.files.setMode(path, 0o600);
  system.files.sync(path);
  system.rename(path, store.memory.path);
  return { writtenBytes: size.sizeBytes };
}
