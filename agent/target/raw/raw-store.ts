/** A capture on a raw device; `layout.ts` draws how it lies there, `recover.ts` makes a folder of it on the next boot. */
import { createHash } from 'node:crypto';
import { encodeText } from '../../binary/text.ts';
import { MiB } from '../../binary/units.ts';
import { readSuperblock } from '../../linux/superblock.ts';
import type { Sink } from '../../sink/sink.ts';
import type { System } from '../../sys/system.ts';
import { dumpFiles, type DumpFile } from '../dump-name.ts';
import type { DumpStore, StoredFile } from '../dump-store.ts';
import { TargetError } from '../target-error.ts';
import { AreaSink } from './area-sink.ts';
import { type Area, headerBytes, headersBytes, planAreas, type RawHeader, readRawHeader, writeRawHeader } from './layout.ts';

export type RawStoreRequest = {
  readonly device: string;
  /** From `formatDumpName`. */
  readonly name: string;
  readonly startedAtMs: number;
  close(): void;
};

/** An earlier capture that was never recovered and is given up for this one. */
export type ReplacedCapture = { readonly name: string };

/**
 * Opens the device, without ever creating it, and writes the header.
 *
 * @throws TargetError `target/occupied`: a device that holds a file system is not the one that was meant; `target/small`. SinkError `sink/open`: not there, no block
 *   device, mounted.
 */
export function openRawStore(system: System, request: RawStoreRequest): DumpStore & { readonly replaced: ReplacedCapture | undefined } {
  const { device } = request;
  if (!system.isBlockDevice(device)) {
    throw new TargetError('target/unsupported', `Cannot dump to "${device}": it is no block device`, { where: device });
  }
  const deviceBytes = system.kernel.blockDeviceSize(device);
  requireFree(system, device, deviceBytes);
  return createRawStore(system, system.createFile(device), { ...request, deviceBytes });
}

/** Names of devices change from kernel to kernel, and what lies on the wrong one is lost for good. */
function requireFree(system: System, device: string, deviceBytes: number): void {
  const found = readSuperblock(system, device, deviceBytes);
  if (found === undefined) return;
  const name = found.label ?? found.uuid;
  const what = `${found.fsType}${name === undefined ? '' : ` "${name}"`}`;
  throw new TargetError('target/occupied', `Cannot dump to "${device}": it holds ${what}`, {
    where: device,
    hint: 'Name the raw device by PARTUUID, which stays the same, or clear it with "wipefs -a"',
  });
}

/** The part that needs no block device. @param sink written at any offset; closed by the store. */
export function createRawStore(
  system: System,
  sink: Sink,
  request: RawStoreRequest & { readonly deviceBytes: number },
): DumpStore & { readonly replaced: ReplacedCapture | undefined } {
  return new RawStore(system, sink, request);
}

class RawStore implements DumpStore {
  readonly where: string;
  readonly folder = undefined;
  readonly memory: DumpStore['memory'];
  readonly replaced: ReplacedCapture | undefined;
  readonly #system: System;
  readonly #sink: Sink;
  readonly #room: RawHeader['areas'];
  readonly #previous: RawHeader | undefined;
  readonly #close: () => void;
  #header: RawHeader;
  #dump: AreaSink | undefined;

  constructor(system: System, sink: Sink, request: RawStoreRequest & { readonly deviceBytes: number }) {
    const { device, name, deviceBytes, startedAtMs } = request;
    this.where = device;
    this.#system = system;
    this.#sink = sink;
    this.#room = planAreas(deviceBytes);
    this.#close = request.close;
    this.#previous = previousHeader(system, device, deviceBytes);
    const waiting = this.#previous !== undefined && this.#previous.state !== 'recovered' ? this.#previous : undefined;
    // An agent that died has begun this very capture: what it saved stays until it is written anew.
    const isOwn = waiting?.name === name;
    this.replaced = waiting === undefined || isOwn ? undefined : { name: waiting.name };
    this.#header = {
      state: 'begun',
      sequence: (this.#previous?.sequence ?? 0) + 1,
      deviceBytes,
      startedAtMs: Math.round(startedAtMs),
      captures: (waiting?.captures ?? 0) + (isOwn ? 0 : 1),
      dumpComplete: isOwn && waiting.dumpComplete,
      name,
      areas: isOwn ? waiting.areas : emptyAreas(this.#room),
    };
    this.memory = { path: device, system: this.#dumpSystem(), flattened: false };
  }

  freeBytes(): number {
    return this.#room.dump.bytes;
  }

  save(name: DumpFile, content: string | Uint8Array): void {
    const part = name === dumpFiles.dmesg ? 'dmesg' : name === dumpFiles.manifest ? 'manifest' : 'log';
    const bytes = (typeof content === 'string' ? encodeText(content) : content).subarray(0, this.#room[part].bytes);
    this.#sink.write(this.#room[part].offset, bytes);
    this.#sink.sync();
    this.#setArea(part, bytes.length);
    this.#writeHeader({ state: name === dumpFiles.log ? 'ended' : this.#header.state });
  }

  finishMemory(complete: boolean): void {
    if (this.#dump === undefined) return;
    this.#setArea('dump', this.#dump.endBytes);
    this.#writeHeader({ dumpComplete: complete });
  }

  storedFiles(): readonly StoredFile[] {
    const { dmesg, dump } = this.#header.areas;
    return [
      { name: dumpFiles.dmesg, sizeBytes: dmesg.bytes, complete: true },
      { name: dumpFiles.memory, sizeBytes: dump.bytes, complete: this.#header.dumpComplete },
    ].filter(({ sizeBytes }) => sizeBytes > 0);
  }

  sha256(name: string, onBytes: (doneBytes: number) => void): string {
    const area = this.#header.areas[name === dumpFiles.dmesg ? 'dmesg' : 'dump'];
    return hashArea(this.#system, this.where, area, onBytes);
  }

  /** A device keeps one capture: it tells how many came since one was recovered. */
  countRecent(timeMs: number, windowMs: number): number {
    if (this.replaced === undefined || Math.abs((this.#previous?.startedAtMs ?? 0) - timeMs) > windowMs) return 0;
    return this.#header.captures - 1;
  }

  /** The manifest has a place of its own. */
  reserve(): void {}

  keepLog(text: string): void {
    const bytes = encodeText(text).subarray(0, this.#room.log.bytes);
    this.#sink.write(this.#room.log.offset, bytes);
    this.#setArea('log', bytes.length);
    this.#writeHeader({});
  }

  close(): void {
    this.#sink.close();
    this.#close();
  }

  /** `dump()` writes a file of its own: here it gets the area for the dump instead, anew for each attempt. */
  #dumpSystem(): System {
    return {
      ...this.#system,
      createFile: () => {
        this.#dump = new AreaSink(this.#sink, this.#room.dump, (endBytes) => {
          this.#setArea('dump', endBytes);
          this.#writeHeader({});
        });
        return this.#dump;
      },
      isBlockDevice: (path) => path === this.where || this.#system.isBlockDevice(path),
    };
  }

  #setArea(part: keyof RawHeader['areas'], bytes: number): void {
    const areas = { ...this.#header.areas, [part]: { offset: this.#room[part].offset, bytes } };
    this.#header = { ...this.#header, areas };
  }

  /** The second copy first: when the power goes in between, the first still tells what was before. */
  #writeHeader(changes: Partial<RawHeader>): void {
    this.#header = { ...this.#header, ...changes, sequence: this.#header.sequence + 1 };
    writeHeaders(this.#sink, this.#header);
  }
}

/** Both copies, each on the disk before the other is touched. */
export function writeHeaders(sink: Sink, header: RawHeader): void {
  const block = writeRawHeader(header);
  for (const offset of [headerBytes, 0]) {
    sink.write(offset, block);
    sink.sync();
  }
}

function previousHeader({ files }: System, device: string, deviceBytes: number): RawHeader | undefined {
  try {
    return readRawHeader(files.readAt(device, 0, headersBytes), deviceBytes);
  } catch {
    // Damaged: it counts as none, and this capture replaces it.
    return undefined;
  }
}

function emptyAreas({ dmesg, manifest, log, dump }: RawHeader['areas']): RawHeader['areas'] {
  const empty = ({ offset }: Area) => ({ offset, bytes: 0 });
  return { dmesg: empty(dmesg), manifest: empty(manifest), log: empty(log), dump: empty(dump) };
}

function hashArea({ files }: System, device: string, { offset, bytes }: Area, onBytes: (done: number) => void): string {
  const hash = createHash('sha256');
  for (let done = 0; done < bytes; ) {
    const piece = files.readAt(device, offset + done, Math.min(MiB, bytes - done));
    if (piece.length === 0) throw new TargetError('target/raw-damaged', `Cannot read "${device}": it ends after ${done} bytes of the dump`);
    hash.update(piece);
    done += piece.length;
    onBytes(done);
  }
  return hash.digest('hex');
}
