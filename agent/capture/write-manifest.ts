/** Puts together what was saved and what was lost, reads the files back, and writes it down: the last thing but the logs. */
import type { DumpResult } from '../dump/dump.ts';
import { redact } from '../config/redact.ts';
import { readMeminfo } from '../linux/memory-info.ts';
import { dumpFiles } from '../target/dump-name.ts';
import type { DumpStore, StoredFile } from '../target/dump-store.ts';
import { asKcaptureError } from './capture-error.ts';
import type { CaptureStatus, Manifest, ManifestFile } from './manifest.ts';
import { noteElapsed, type Run } from './run.ts';
import type { SavedMemory } from './save-memory.ts';
import { checkTime } from './time-limit.ts';

export type ManifestFacts = {
  /** As the configuration names it. */
  readonly target: string;
  /** `undefined`: none was tried. */
  readonly memory: SavedMemory | undefined;
  /** Besides what the memory lacks. */
  readonly lost: readonly string[];
};

/** What the manifest says, whether or not it could be written. */
export function writeManifest(run: Run, store: DumpStore, { target, memory, lost }: ManifestFacts): Manifest {
  const { system, settings, crash, name } = run;
  const allLost = [...crash.lost, ...lost, ...(memory?.lost ?? [])];
  const files = readBack(run, store, allLost);
  noteElapsed(run, 'total');
  const manifest: Manifest = {
    version: 1,
    status: statusOf(files),
    host: name.host,
    machineId: settings.plan?.machineId,
    release: crash.release,
    panic: crash.panic,
    crashedAt: crash.crashedAtMs === undefined ? undefined : new Date(crash.crashedAtMs).toISOString(),
    startedAt: new Date(name.startedAtMs).toISOString(),
    finishedAt: new Date(name.startedAtMs + system.now() - settings.startedAt).toISOString(),
    clockTrusted: name.clockTrusted,
    target,
    failedTargets: [...run.failedTargets],
    files,
    dump: memory?.result === undefined ? undefined : withoutPaths(memory.result),
    ...transferOf(store),
    lost: allLost,
    warnings: [...run.warnings, ...crash.warnings, ...(memory?.warnings ?? [])],
    elapsedMs: { ...run.elapsedMs },
    captureKernel: {
      release: system.kernel.utsname().release,
      commandLine: redact(system.files.readTextIfThere('/proc/cmdline', 65536)?.trim() ?? ''),
      memoryBytes: readMeminfo(system.files).get('MemTotal') ?? 0,
      peakMemoryBytes: system.peakMemoryBytes(),
    },
    kcapture: { version: settings.build.version, commit: settings.build.commit },
  };
  try {
    store.save(dumpFiles.manifest, `${JSON.stringify(manifest, undefined, 2)}\n`);
  } catch (error) {
    run.log.error(`the manifest cannot be written: ${asKcaptureError(error).message}`);
  }
  return manifest;
}

function transferOf(store: DumpStore): Pick<Manifest, 'transfer'> {
  const transfer = store.transfer?.();
  return transfer === undefined ? {} : { transfer };
}

function statusOf(files: readonly ManifestFile[]): CaptureStatus {
  const log = files.some(({ name, complete }) => name === dumpFiles.dmesg && complete);
  const memory = files.find(({ name }) => name.startsWith(dumpFiles.memory) && !name.startsWith(dumpFiles.dmesg));
  if (memory !== undefined) return memory.complete && log ? 'complete' : 'partial';
  return log ? 'dmesg-only' : 'failed';
}

/** A way that loses packets gives bytes back much slower than it takes them, and the machine is down meanwhile. */
const leastReadBackMs = 30_000;

/** Hashes of the files as the disk gives them back, in no more time than writing them took and half a minute. */
function readBack(run: Run, store: DumpStore, lost: string[]): readonly ManifestFile[] {
  const since = run.system.now();
  const endsAt = Math.min(run.limit.dumpEndsAt, since + (run.elapsedMs.dump ?? 0) + leastReadBackMs);
  const files = store.storedFiles().map((file) => ({ ...file, sha256: hash(run, store, file, endsAt, lost) }));
  noteElapsed(run, 'sha256', since);
  return files;
}

function hash({ system, log, pulse }: Run, store: DumpStore, { name }: StoredFile, endsAt: number, lost: string[]): string | undefined {
  const onBytes = () => {
    pulse.beat();
    checkTime(system, endsAt, 'reading back');
  };
  try {
    onBytes();
    return store.sha256(name, onBytes);
  } catch (error) {
    const why = system.now() >= endsAt ? 'there was no time to read it back' : error instanceof Error ? error.message : String(error);
    lost.push(`No checksum of ${name}: ${why}`);
    log.warn(`no checksum of ${name}: ${why}`);
    return undefined;
  }
}

function withoutPaths({ source: _source, outputs: _outputs, ...rest }: DumpResult): Manifest['dump'] {
  return rest;
}
