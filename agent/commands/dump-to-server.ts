/** One dump to a place on a server, by hand: it lies there in a folder of its own, as a capture does. */
import { formatBytes } from '../binary/units.ts';
import { defaultConfiguration } from '../config/defaults.ts';
import { parseRemoteUrl } from '../config/remote-url.ts';
import { type DumpRequest, type DumpResult, dump } from '../dump/dump.ts';
import type { Progress } from '../dump/progress.ts';
import { SinkError } from '../sink/sink.ts';
import type { System } from '../sys/system.ts';
import { formatDumpName } from '../target/dump-name.ts';
import type { DumpStore, Transfer } from '../target/dump-store.ts';
import { namedTarget } from '../target/remote/named-target.ts';
import { openRemoteDumpStore } from '../target/remote/remote-dump-store.ts';
import { remoteLimits } from '../target/remote/remote-limits.ts';

export type ServerDumpRequest = {
  readonly url: string;
  /** Folder of the credentials; `undefined`: the one of the place. */
  readonly credentials: string | undefined;
  /** Its outputs do not count. */
  readonly request: DumpRequest;
  readonly progress: Progress;
  readonly onNote: (sentence: string) => void;
};

export type ServerDumpResult = DumpResult & { readonly transfer: Transfer | undefined };

/** A stream that breaks is sent again from its start. */
const mostBegun = 3;

/** @throws ConfigError for a URL that is none; KcaptureError when no dump could be made at all. */
export function dumpToServer(system: System, { url, credentials, request, progress, onNote }: ServerDumpRequest): ServerDumpResult {
  const target = namedTarget(parseRemoteUrl(url), { path: defaultConfiguration.path, credentials });
  const { wish, place, addresses, canRename } = target;
  const startedAtMs = system.kernel.wallClockMs();
  const store = openRemoteDumpStore(system, {
    wish,
    place,
    addresses,
    credentials: target.credentials,
    canRename,
    capture: {
      name: formatDumpName(system.kernel.utsname().host, startedAtMs),
      machineId: system.files.readTextIfThere('/etc/machine-id', 64)?.trim() || undefined,
      startedAtMs,
    },
    adopt: false,
    limits: remoteLimits(),
    onWait() {},
    onNote,
  });
  try {
    const { path, flattened } = store.memory;
    const codecLevel = request.codecLevel ?? (request.codec === 'zstd' ? 'auto' : undefined);
    const adapted: DumpRequest = { ...request, outputs: [path], flattened: flattened || request.flattened, codecLevel, overwrite: true };
    const result = dumpUntilSent(store, adapted, progress, onNote);
    store.finishMemory(result.complete);
    return { ...result, transfer: store.transfer?.() };
  } finally {
    store.close();
  }
}

function dumpUntilSent(
  { memory: { system } }: DumpStore,
  request: DumpRequest,
  progress: Progress,
  onNote: (sentence: string) => void,
): DumpResult {
  for (let begun = 1; ; begun++) {
    try {
      const result = dump(system, request, progress);
      if (result.problemCode !== 'sink/broken' || begun === mostBegun) return result;
      onNote(`${result.problem}: the dump is sent again from its start`);
    } catch (error) {
      if (!(error instanceof SinkError) || error.code !== 'sink/broken' || begun === mostBegun) throw error;
      onNote(`${error.message}: the dump is sent again from its start`);
    }
  }
}

/** For people, below the summary of the dump. */
export function formatTransfer({ sentBytes, bytesPerSecond, wayBack }: Transfer): string {
  const lines = [`sent       ${formatBytes(sentBytes)}, ${formatBytes(bytesPerSecond)}/s`];
  if (wayBack !== undefined) lines.push(`flattened  an ordinary dump of it: ${wayBack}`);
  return `${lines.join('\n')}\n`;
}
