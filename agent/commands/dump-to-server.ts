/** One dump to a place on a server, by hand: it lies there in a folder of its own, as a capture does. */
import { readMachineId } from '../linux/machine-id.ts';
import { formatBytes } from '../binary/units.ts';
import { defaultConfiguration } from '../config/defaults.ts';
import { parseRemoteUrl } from '../config/remote-url.ts';
import { type DumpRequest, type DumpResult, dump } from '../dump/dump.ts';
import type { Progress } from '../dump/progress.ts';
import { readServerFacts } from '../host/target/server-facts.ts';
import { SinkError } from '../sink/sink.ts';
import type { System } from '../sys/system.ts';
import { formatDumpName } from '../target/dump-name.ts';
import type { DumpStore, Transfer } from '../target/dump-store.ts';
import { namedTarget } from '../target/remote/named-target.ts';
import { openRemoteDumpStore } from '../target/remote/remote-dump-store.ts';
import { remoteLimits } from '../target/remote/remote-limits.ts';
import { InterruptedError, interruptibleProgress, interruptibleSystem } from './interruptible.ts';

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

/** @throws ConfigError for a URL that is none; InterruptedError; KcaptureError when no dump could be made at all. */
export function dumpToServer(system: System, { url, credentials, request, progress, onNote }: ServerDumpRequest): ServerDumpResult {
  const target = namedTarget(parseRemoteUrl(url), { path: defaultConfiguration.path, credentials });
  const { wish, place, addresses } = target;
  const facts = readServerFacts(system, target.credentials);
  const interrupts = system.watchInterrupts();
  const check = () => {
    if (interrupts()) throw new InterruptedError('command/interrupted', `Cannot go on with the dump to ${wish}: it was broken off`);
  };
  let mayEnd = true;
  const startedAtMs = system.kernel.wallClockMs();
  const store = openRemoteDumpStore(system, {
    wish,
    place,
    addresses,
    credentials: target.credentials,
    canRename: facts.canRename && facts.url === wish,
    capture: {
      name: formatDumpName(system.kernel.utsname().host, startedAtMs),
      machineId: readMachineId(system),
      startedAtMs,
    },
    adopt: false,
    limits: remoteLimits(),
    onWait(phase) {
      if (mayEnd && phase !== 'naming') check();
    },
    onNote,
  });
  try {
    const { path, flattened } = store.memory;
    const codecLevel = request.codecLevel ?? (request.codec === 'zstd' ? 'auto' : undefined);
    // Another takes memory that a capture kernel needs for the network, which is what is waited for.
    const threads = request.threads ?? 1;
    const adapted: DumpRequest = {
      ...request,
      outputs: [path],
      flattened: flattened || request.flattened,
      codecLevel,
      threads,
      overwrite: true,
    };
    const memorySystem = interruptibleSystem(store.memory.system, check);
    const result = dumpUntilKept(store, {
      system: memorySystem,
      request: adapted,
      progress: interruptibleProgress(progress, check),
      onNote,
    });
    if (result.problemCode === 'command/interrupted') check();
    mayEnd = false;
    store.finishMemory(result.complete);
    return { ...result, transfer: store.transfer?.() };
  } catch (error) {
    mayEnd = false;
    if (error instanceof InterruptedError) store.giveUp?.();
    throw error;
  } finally {
    mayEnd = false;
    store.close();
  }
}

type Sending = Pick<ServerDumpRequest, 'request' | 'progress' | 'onNote'> & { readonly system: System };

/** On a server that keeps nothing of what is not whole, and cannot rename, it is sent once more under the name that says so. */
function dumpUntilKept(store: DumpStore, sending: Sending): DumpResult {
  const result = dumpUntilSent(sending);
  const isOfServer = /^(sink|command)\//.test(result.problemCode ?? '');
  if (result.complete || isOfServer || store.expectIncomplete === undefined) return result;
  sending.onNote(`${result.problem}: the server does not rename, so the dump is sent again under the name that says incomplete`);
  store.expectIncomplete();
  return dumpUntilSent(sending);
}

function dumpUntilSent({ system, request, progress, onNote }: Sending): DumpResult {
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
