/**
 * Tries a place on a server as a capture would use it: finds it, saves a small file and asks for it back, streams a large one, breaks one off, and takes
 * everything away again.
 *
 * Comes in: a place, its addresses and credentials. Goes out: one check a step, with the remedy where it failed, and what was measured.
 */
import { readMachineId } from '../../linux/machine-id.ts';
import { createHash, randomBytes } from 'node:crypto';
import { formatBytes, KiB, MiB } from '../../binary/units.ts';
import type { Credentials } from '../../config/credentials.ts';
import type { RemotePlace } from '../../config/remote-place.ts';
import { KcaptureError } from '../../errors.ts';
import { probeRename } from '../../remote/http/probe-rename.ts';
import { openRemoteStore } from '../../remote/open-remote.ts';
import type { RemoteContext, RemoteFile, RemoteStore } from '../../remote/remote-store.ts';
import type { System } from '../../sys/system.ts';
import { formatDumpName } from '../../target/dump-name.ts';
import { remoteBufferBytes } from '../../target/remote/remote-limits.ts';
import type { Check } from '../status/check.ts';
import { placeHost } from './place-host.ts';
import { removeProbeFolder } from './remove-probe-folder.ts';
import { TestError } from '../test/test-error.ts';

export type TryRequest = {
  readonly place: RemotePlace;
  /** Numeric; empty: the name could not be resolved. */
  readonly addresses: readonly string[];
  readonly credentials: Credentials;
};

export type Trial = {
  readonly passed: boolean;
  readonly checks: readonly Check[];
  /** `undefined`: it did not come to that. */
  readonly bytesPerSecond: number | undefined;
  /** http: the server renames files. `undefined`: it did not come to that, or others know by themselves. */
  readonly canRename: boolean | undefined;
};

const limits = { connectMs: 10_000, stallMs: 20_000, retryMs: 6000, bufferBytes: remoteBufferBytes } as const;
const reachMs = 5000;
const probeBytes = 64 * KiB;
const pieceBytes = MiB;
/** The stream ends with the first of both. */
const mostStreamBytes = 32 * MiB;
const streamMs = 3000;
/** Where writes may overtake each other. */
const mostUnderWay = 4;
const smallName = 'kcapture-probe.txt';
const largeName = 'kcapture-probe.bin';

/** Never throws a KcaptureError: each is a failed check. */
export async function tryRemote(system: System, request: TryRequest): Promise<Trial> {
  const checks: Check[] = [];
  let bytesPerSecond: number | undefined;
  let canRename: boolean | undefined;
  let context = contextOf(system, request);
  const step = async <T>(name: string, action: () => Promise<readonly [string, T]>): Promise<T> => {
    try {
      const [text, value] = await action();
      checks.push({ name, level: 'ok', text });
      return value;
    } catch (error) {
      if (!(error instanceof KcaptureError)) throw error;
      checks.push({ name, level: 'fail', text: error.message, hint: error.hint ?? 'kcapture status' });
      throw new StepFailed();
    }
  };
  let store: RemoteStore | undefined;
  try {
    await step('reach', () => reach(system, request));
    if (request.place.kind === 'http') {
      canRename = await step('rename', () => findRename(context));
      context = { ...context, canRename };
    }
    const opened = await step('open', () => open(context));
    store = opened;
    await step('save', () => saveSmall(opened));
    bytesPerSecond = await step('stream', () => stream(system, opened));
    await step('break off', () => breakOff(opened));
    await step('remove', () => removeAll(context, opened));
  } catch (error) {
    if (!(error instanceof StepFailed)) throw error;
  }
  await leave(context, store, checks);
  return { passed: !checks.some(({ level }) => level === 'fail'), checks, bytesPerSecond, canRename };
}

class StepFailed extends Error {}

async function reach({ network }: System, { place, addresses }: TryRequest): Promise<readonly [string, undefined]> {
  const { host, port } = placeHost(place);
  const known = addresses.length > 0 ? addresses : await network.resolve(host, reachMs);
  let failure: unknown;
  for (const address of known) {
    try {
      await network.reach(address, port, reachMs);
      return [`${host} answers at ${address} port ${port}`, undefined];
    } catch (error) {
      failure = error;
    }
  }
  throw failure ?? new TestError('test/probe', `Cannot reach ${host}: it has no address`);
}

function contextOf(system: System, request: TryRequest): RemoteContext {
  const nowMs = system.kernel.wallClockMs();
  return {
    network: system.network,
    place: request.place,
    addresses: request.addresses,
    credentials: request.credentials,
    canRename: false,
    capture: { name: formatDumpName('kcapture-probe', nowMs), machineId: readMachineId(system), startedAtMs: nowMs },
    adopt: false,
    limits,
    wallClockMs: () => system.kernel.wallClockMs(),
    onNote: () => {},
    onProgress: () => {},
  };
}

async function findRename(context: RemoteContext): Promise<readonly [string, boolean]> {
  const canRename = await probeRename(context);
  return [canRename ? 'the server renames files' : 'the server renames no files: a dump gets its name while it comes', canRename];
}

async function open(context: RemoteContext): Promise<readonly [string, RemoteStore]> {
  const store = await openRemoteStore(context);
  const freeBytes = await store.freeBytes();
  return [`${store.where}${freeBytes === undefined ? '' : `, ${formatBytes(freeBytes)} free`}`, store];
}

async function saveSmall(store: RemoteStore): Promise<readonly [string, undefined]> {
  const bytes = randomBytes(probeBytes);
  await store.save(smallName, bytes);
  const proof = await proveContent(store, smallName, bytes.length, createHash('sha256').update(bytes).digest('hex'));
  return [`a file of ${formatBytes(bytes.length)} was saved${proof}`, undefined];
}

/** @throws TestError `test/probe` when the server has something else than was sent. */
async function proveContent(store: RemoteStore, name: string, sizeBytes: number, sha256: string): Promise<string> {
  const there = (await store.list()).find((entry) => entry.name === name);
  if (there?.sizeBytes !== sizeBytes) {
    const found = there === undefined ? 'the file is not there' : `${there.sizeBytes} bytes are there`;
    throw new TestError('test/probe', `Cannot trust ${store.where}: ${found}, expected ${sizeBytes} bytes`, { where: store.where });
  }
  const told = await store.sha256(name);
  if (told !== undefined && told !== sha256) {
    throw new TestError('test/probe', `Cannot trust ${store.where}: other bytes are there than were sent`, { where: store.where });
  }
  return told === undefined ? '; its size is right' : '; size and checksum are right';
}

async function stream(system: System, store: RemoteStore): Promise<readonly [string, number]> {
  const piece = randomBytes(pieceBytes);
  const hash = createHash('sha256');
  const startedAt = system.now();
  const file = await store.create(largeName);
  let sizeBytes = 0;
  const underWay: Promise<void>[] = [];
  try {
    while (sizeBytes < mostStreamBytes && system.now() - startedAt < streamMs) {
      if (underWay.length >= (store.seekable ? mostUnderWay : 1)) await underWay.shift();
      const sent = file.write(sizeBytes, piece);
      // Whoever is waited for first tells; the others must not end the program.
      sent.catch(() => {});
      underWay.push(sent);
      hash.update(piece);
      sizeBytes += piece.length;
    }
    for (const sent of underWay) await sent;
    await file.sync();
    await file.finish(true);
  } catch (error) {
    await discard(file);
    throw error;
  }
  const seconds = Math.max(0.001, (system.now() - startedAt) / 1000);
  const proof = await proveContent(store, largeName, sizeBytes, hash.digest('hex'));
  const bytesPerSecond = Math.round(sizeBytes / seconds);
  return [`${formatBytes(sizeBytes)} in ${seconds.toFixed(1)} s, ${formatBytes(bytesPerSecond)} a second${proof}`, bytesPerSecond];
}

/** A dump that cannot go on must leave nothing behind. */
async function breakOff(store: RemoteStore): Promise<readonly [string, undefined]> {
  const name = `broken-${largeName}`;
  const file = await store.create(name);
  await file.write(0, randomBytes(pieceBytes));
  await file.discard();
  const left = (await store.list()).find((entry) => entry.name.startsWith(name));
  if (left === undefined) return ['of a file that was broken off nothing stays', undefined];
  throw new TestError('test/probe', `Cannot clean up in ${store.where}: ${left.name} stays there`, { where: store.where });
}

async function removeAll(context: RemoteContext, store: RemoteStore): Promise<readonly [string, undefined]> {
  for (const name of [smallName, largeName]) await store.remove(name);
  const left = await store.list();
  if (left.length === 0) {
    await removeProbeFolder(context, store.where);
    return ['everything is gone again', undefined];
  }
  throw new TestError('test/probe', `Cannot remove ${left.map(({ name }) => name).join(', ')} from ${store.where}`, { where: store.where });
}

async function discard(file: RemoteFile): Promise<void> {
  try {
    await file.discard();
  } catch (error) {
    // What made it end is told; that it cannot be cleaned up follows from it.
    if (!(error instanceof KcaptureError)) throw error;
  }
}

/** After a failure too: what was saved goes as far as that is possible. */
async function leave(context: RemoteContext, store: RemoteStore | undefined, checks: readonly Check[]): Promise<void> {
  if (store === undefined) return;
  try {
    if (checks.some(({ level }) => level === 'fail')) {
      for (const name of [smallName, largeName]) await store.remove(name);
      await removeProbeFolder(context, store.where);
    }
    await store.close();
  } catch (error) {
    if (!(error instanceof KcaptureError)) throw error;
  }
}
