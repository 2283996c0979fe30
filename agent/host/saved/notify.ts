/**
 * Tells the configured web hooks about captures they have not heard of: run at boot, after a crash.
 *
 * A hook that does not answer is tried again now and at the next run; the others are not told twice. Addresses are never printed whole.
 */
import { dirname } from 'node:path';
import { printable } from '../../binary/printable.ts';
import { redact } from '../../config/redact.ts';
import type { System } from '../../sys/system.ts';
import { byTime, findSaved } from './find-saved.ts';
import { hashHook, type Notified, readNotified, writeNotified } from './notified.ts';
import type { SavedDump } from './saved-dump.ts';

export type NotifyRequest = {
  /** Where captures lie. */
  readonly folders: readonly string[];
  readonly urls: readonly string[];
  /** Nothing is sent and nothing is noted. */
  readonly dryRun: boolean;
};

export type Delivery = {
  readonly capture: string;
  /** Without its secrets. */
  readonly hook: string;
  readonly outcome: 'told' | 'failed' | 'would be told';
  readonly problem?: string;
};

type NotifySystem = Pick<System, 'files' | 'kernel' | 'postJson' | 'now'>;

const attempts = 3;
const attemptTimeoutMs = 10_000;
const pauseMs = 2_000;
/** For all hooks and captures together: a boot must not wait for a hook that is gone. */
const totalMs = 90_000;

/** One delivery for each capture and hook that was due. @throws FilesError when the note cannot be written */
export async function notifyCaptures(system: NotifySystem, request: NotifyRequest): Promise<readonly Delivery[]> {
  const endsAt = system.now() + totalMs;
  const saved = request.folders.flatMap((folder) => findSaved(system.files, folder)).sort(byTime);
  const before = readNotified(system) ?? firstNote(saved, request.urls);
  // What lies on a disk that is not mounted now is not forgotten.
  const absent = [...before].filter(([folder]) => !request.folders.includes(dirname(folder)));
  const notified = new Map<string, string[]>(
    [...absent, ...saved.map(({ folder }) => [folder, before.get(folder) ?? []] as const)].map(([folder, hooks]) => [folder, [...hooks]]),
  );
  const deliveries: Delivery[] = [];
  for (const dump of saved) {
    const told = notified.get(dump.folder)!;
    for (const url of request.urls.filter((address) => !told.includes(hashHook(address)))) {
      const delivery = await tell(system, dump, url, request.dryRun, endsAt);
      if (delivery.outcome === 'told') told.push(hashHook(url));
      deliveries.push(delivery);
    }
  }
  if (!request.dryRun) writeNotified(system, notified);
  return deliveries;
}

/** The first run tells of the latest capture only: older ones were there before anybody asked to be told. */
function firstNote(saved: readonly SavedDump[], urls: readonly string[]): Notified {
  return new Map(saved.slice(0, -1).map(({ folder }) => [folder, urls.map(hashHook)]));
}

async function tell(system: NotifySystem, dump: SavedDump, url: string, dryRun: boolean, endsAt: number): Promise<Delivery> {
  const about = { capture: dump.folder, hook: redact(url) };
  if (dryRun) return { ...about, outcome: 'would be told' };
  let problem = 'the time for all of them was over';
  for (let attempt = 1; attempt <= attempts; attempt++) {
    const timeoutMs = Math.min(attemptTimeoutMs, endsAt - system.now());
    if (timeoutMs <= 0) break;
    const result = await system.postJson(url, messageOf(dump), { timeoutMs });
    if (result.status >= 200 && result.status < 300) return { ...about, outcome: 'told' };
    problem = result.status === 0 ? redact(result.problem ?? 'no answer') : `HTTP status ${result.status}`;
    // What the other side refuses it will refuse again; only a lack of time or of a connection passes.
    if (result.status >= 400 && result.status < 500 && result.status !== 408 && result.status !== 429) break;
    if (attempt < attempts) system.kernel.sleep(Math.min(pauseMs * attempt, Math.max(0, endsAt - system.now())));
  }
  return { ...about, outcome: 'failed', problem };
}

/** The body: fields for programs, and `text`, which chat services show as it is. */
function messageOf(dump: SavedDump): object {
  const safe = (text: string | undefined) => (text === undefined ? undefined : printable(text));
  const host = safe(dump.host) ?? 'unknown host';
  const panic = safe(dump.panic);
  return {
    event: 'capture',
    text: `${host} crashed at ${safe(dump.manifest?.crashedAt) ?? dump.time}: ${panic ?? 'panic unknown'}. Capture: ${dump.status}, ${safe(dump.folder)}`,
    host,
    machineId: safe(dump.manifest?.machineId),
    crashedAt: safe(dump.manifest?.crashedAt),
    capturedAt: safe(dump.manifest?.startedAt) ?? dump.time,
    status: dump.status,
    kernel: safe(dump.release),
    panic,
    folder: safe(dump.folder),
    sizeBytes: dump.sizeBytes,
    lost: dump.manifest?.lost.map((sentence) => printable(sentence)) ?? [],
  };
}
