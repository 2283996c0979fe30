/** A manifest as a good capture writes it, with what a test wants to be otherwise. */
import type { Manifest } from '../capture/manifest.ts';

export function buildManifest(changes: Partial<Manifest> = {}): Manifest {
  return {
    version: 1,
    status: 'complete',
    host: 'worker',
    machineId: undefined,
    release: '6.1.0-13-amd64',
    panic: 'sysrq: Trigger a crash',
    crashedAt: '2026-03-01T11:34:50.000Z',
    startedAt: '2026-03-01T11:34:56.000Z',
    finishedAt: '2026-03-01T11:35:10.000Z',
    clockTrusted: true,
    target: 'ext4 UUID=1234',
    failedTargets: [],
    files: [],
    dump: {
      complete: true,
      release: '6.1.0-13-amd64',
      format: 'kdump',
      codec: 'zstd',
      level: 31,
      pageSize: 4096,
      endPfn: 1000,
      pages: { original: 900, kept: 100, zero: 20, cache: 200, cachePrivate: 10, user: 170, free: 400, hwpoison: 0, offline: 0, hole: 100 },
      stored: { zero: 20, compressed: 90, raw: 10, unreadable: 0 },
      writtenBytes: 123_456,
      elapsedMs: { open: 10, filter: 20, copy: 300, finish: 5 },
      peakMemoryBytes: 30_000_000,
      warnings: [],
    },
    lost: [],
    warnings: [],
    elapsedMs: { dmesg: 120, dump: 335 },
    captureKernel: { release: '6.1.0-13-amd64', commandLine: 'root=kcapture', memoryBytes: 180_000_000, peakMemoryBytes: 60_000_000 },
    kcapture: { version: '1.0.0', commit: 'abcdef' },
    ...changes,
  };
}
