/**
 * `manifest.json`: what one capture saved and what it lost. Written last, so its presence says that the capture came to its end.
 *
 * Sizes in bytes, durations in milliseconds, times as ISO 8601 in UTC (a capture kernel's clock may be wrong: `clockTrusted`).
 */
import type { DumpResult } from '../dump/dump.ts';
import type { Transfer } from '../target/dump-store.ts';

export type ManifestFile = {
  readonly name: string;
  readonly sizeBytes: number;
  /** Lower-case hexadecimal; `undefined` when there was no time to read it back, or a server cannot tell. */
  readonly sha256: string | undefined;
  readonly complete: boolean;
};

/** `complete`: log and dump whole. `partial`: the dump ended early. `dmesg-only`: the log and no memory. `failed`: neither. */
export type CaptureStatus = 'complete' | 'partial' | 'dmesg-only' | 'failed';

export type Manifest = {
  readonly version: 1;
  readonly status: CaptureStatus;
  readonly host: string;
  readonly machineId: string | undefined;
  /** Release of the crashed kernel. */
  readonly release: string;
  /** First line of the panic, when the log has one. */
  readonly panic: string | undefined;
  readonly crashedAt: string | undefined;
  readonly startedAt: string;
  readonly finishedAt: string;
  readonly clockTrusted: boolean;
  readonly target: string;
  /** Targets that were tried before and why they failed. */
  readonly failedTargets: readonly { readonly target: string; readonly why: string }[];
  readonly files: readonly ManifestFile[];
  readonly dump: Omit<DumpResult, 'source' | 'outputs'> | undefined;
  /** How it was sent, on a server. */
  readonly transfer?: Transfer;
  /** A sentence for everything that is not there. Empty: nothing is missing. */
  readonly lost: readonly string[];
  readonly warnings: readonly string[];
  readonly elapsedMs: Readonly<Record<string, number>>;
  readonly captureKernel: {
    readonly release: string;
    readonly commandLine: string;
    readonly memoryBytes: number;
    readonly peakMemoryBytes: number;
  };
  readonly kcapture: { readonly version: string; readonly commit: string };
};
