/**
 * The captures of many machines in one place on a server, described as those on a disk are.
 *
 * Comes in: a URL, and this machine's credentials for it. Goes out: plain data. Everything in it comes from a bucket many may write into.
 */
import { parseRemoteUrl } from '../../config/remote-url.ts';
import type { Manifest } from '../../capture/manifest.ts';
import { KcaptureError, UsageError } from '../../errors.ts';
import { type FleetCapture, listFleet } from '../../remote/s3/list-fleet.ts';
import type { System } from '../../sys/system.ts';
import { findCredentials, readSources } from '../target/find-credentials.ts';
import { byTime, describeSaved } from './find-saved.ts';
import { isUnfinished, readFolderName } from './layouts.ts';
import { readManifest } from './read-manifest.ts';
import type { SavedDump } from './saved-dump.ts';

/** Somebody waits at a terminal. */
const limits = { connectMs: 10_000, stallMs: 30_000, retryMs: 30_000, bufferBytes: 0 };

export type FleetDump = SavedDump & { readonly machineId: string };
export type FoundFleet = {
  /** Oldest first. */
  readonly saved: readonly FleetDump[];
  /** There are older ones. */
  readonly isCut: boolean;
};

/** @throws UsageError for a URL of another kind; ConfigError; RemoteError. */
export async function findFleet(system: Pick<System, 'files' | 'kernel' | 'network' | 'printError'>, url: string): Promise<FoundFleet> {
  const place = parseRemoteUrl(url);
  if (place.kind !== 's3') {
    throw new UsageError('usage/list', 'Cannot list what lies behind this URL: expected one of s3', {
      hint: 'Mount or copy the folder, and list that',
    });
  }
  const { captures, isCut } = await listFleet({
    network: system.network,
    place,
    addresses: [],
    credentials: readSources(system, findCredentials(system, place, undefined)),
    limits,
    wallClockMs: () => system.kernel.wallClockMs(),
    onNote: (sentence) => system.printError(`kcapture: ${sentence}\n`),
    onProgress() {},
  });
  return { saved: captures.flatMap(describeCapture).sort(byTime), isCut };
}

/** Folders that no capture is called like are none. */
function describeCapture({ machineId, name, where, files, manifest: text }: FleetCapture): readonly FleetDump[] {
  const said = readFolderName(name);
  if (said === undefined) return [];
  const found = files.map((file) => ({ ...file, unfinished: isUnfinished(file.name) }));
  const dump = describeSaved({
    name,
    folder: where,
    said,
    layout: 'kcapture',
    found,
    readPanic: () => undefined,
    ...readText(text, found),
  });
  return [{ ...dump, machineId }];
}

function readText(text: string | undefined, found: readonly { readonly name: string }[]): { manifest?: Manifest; problem?: string } {
  if (text === undefined) return found.some(({ name }) => name === 'manifest.json') ? { problem: 'manifest.json was not read' } : {};
  try {
    return { manifest: readManifest(text) };
  } catch (error) {
    if (!(error instanceof KcaptureError)) throw error;
    return { problem: error.message };
  }
}
