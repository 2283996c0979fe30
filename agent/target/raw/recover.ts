/**
 * Makes the usual folder of a dump out of what a capture left on a raw device, on the first boot after it.
 *
 * Comes in: the device, read as hostile. Goes out: a folder as any capture makes it. What was not finished keeps the name that says so.
 */
import { decodeText } from '../../binary/text.ts';
import { formatBytes, MiB } from '../../binary/units.ts';
import type { System } from '../../sys/system.ts';
import { type DumpFile, dumpFiles, formatDumpName, parseDumpName, unfinished } from '../dump-name.ts';
import { TargetError } from '../target-error.ts';
import { type Area, headersBytes, type RawHeader, readRawHeader } from './layout.ts';
import { writeHeaders } from './raw-store.ts';

export type Recovery =
  | { readonly state: 'nothing' }
  | { readonly state: 'already'; readonly name: string }
  | {
      readonly state: 'recovered';
      readonly folder: string;
      readonly complete: boolean;
      readonly bytes: number;
      readonly warnings: readonly string[];
    };

export type RecoverOptions = { readonly onBytes?: (doneBytes: number, totalBytes: number) => void };

/**
 * @param device a block device.
 * @param parent the folder of all dumps.
 * @throws TargetError `target/raw-damaged`, `target/small` when `parent` has no room; SinkError, FilesError.
 */
export function recoverRaw(system: System, device: string, parent: string, options: RecoverOptions = {}): Recovery {
  if (!system.isBlockDevice(device)) {
    throw new TargetError('target/unsupported', `Cannot recover from "${device}": it is no block device`, { where: device });
  }
  return recoverArea(system, { device, deviceBytes: system.kernel.blockDeviceSize(device), parent, ...options });
}

export type RecoverRequest = RecoverOptions & {
  readonly device: string;
  readonly deviceBytes: number;
  readonly parent: string;
};

/** The part that needs no block device. */
export function recoverArea(system: System, request: RecoverRequest): Recovery {
  const { device, deviceBytes, parent } = request;
  const header = readRawHeader(system.files.readAt(device, 0, headersBytes), deviceBytes);
  if (header === undefined) return { state: 'nothing' };
  if (header.state === 'recovered') return { state: 'already', name: header.name };
  const { areas } = header;
  const bytes = areas.dmesg.bytes + areas.manifest.bytes + areas.log.bytes + areas.dump.bytes;
  system.files.makeFolder(parent);
  requireRoom(system, parent, bytes);
  const folder = makeFolder(system, parent, header);
  const copy = createCopier(system, folder, request, bytes);
  copy(areas.dmesg, dumpFiles.dmesg, true);
  copy(areas.dump, dumpFiles.memory, false);
  const warnings = finishDump(system, request, header, folder);
  // A capture that did not come to its end has no manifest, and its log is not the whole log.
  copy(areas.log, dumpFiles.log, header.state === 'ended');
  copy(areas.manifest, dumpFiles.manifest, true);
  markRecovered(system, device, header);
  const complete = system.exists(`${folder}/${dumpFiles.memory}`);
  return { state: 'recovered', folder, complete, bytes, warnings };
}

/** Gives the dump its name when it is whole and the same as it was written. */
function finishDump(system: System, request: RecoverRequest, { areas, dumpComplete }: RawHeader, folder: string): readonly string[] {
  if (areas.dump.bytes === 0 || !dumpComplete) return [];
  const work = `${folder}/${dumpFiles.memory}${unfinished}`;
  const expected = expectedHash(system, request.device, areas.manifest);
  if (expected !== undefined && expected !== system.files.sha256(work)) {
    return ['The dump is not what was written: its SHA-256 differs from the one in the manifest'];
  }
  system.rename(work, `${folder}/${dumpFiles.memory}`);
  return [];
}

/** What the manifest says of the dump; `undefined` when it says nothing. */
function expectedHash({ files }: System, device: string, { offset, bytes }: Area): string | undefined {
  try {
    const manifest = JSON.parse(decodeText(files.readAt(device, offset, Math.min(bytes, MiB)))) as { files?: unknown };
    const entries = Array.isArray(manifest.files) ? (manifest.files as { name?: unknown; sha256?: unknown }[]) : [];
    const hash = entries.find((entry) => entry?.name === dumpFiles.memory)?.sha256;
    return typeof hash === 'string' ? hash : undefined;
  } catch {
    return undefined;
  }
}

type Copy = (area: Area, name: DumpFile, complete: boolean) => void;

/** Copies an area into a file of the folder, under the name that says incomplete unless it is not; nothing when it is empty. */
function createCopier(system: System, folder: string, { device, onBytes }: RecoverRequest, totalBytes: number): Copy {
  let copied = 0;
  return (area, name, complete) => {
    if (area.bytes === 0) return;
    const work = `${folder}/${name}${unfinished}`;
    const sink = system.createFile(work, { overwrite: true });
    try {
      for (let done = 0; done < area.bytes; ) {
        const piece = system.files.readAt(device, area.offset + done, Math.min(MiB, area.bytes - done));
        if (piece.length === 0) throw endsEarly(device, area.offset + done);
        sink.write(done, piece);
        done += piece.length;
        copied += piece.length;
        onBytes?.(copied, totalBytes);
      }
      sink.sync();
    } finally {
      sink.close();
    }
    if (complete) system.rename(work, `${folder}/${name}`);
  };
}

function endsEarly(device: string, offset: number): TargetError {
  return new TargetError('target/raw-damaged', `Cannot read "${device}" at ${offset}: it ends there`, { where: device });
}

function makeFolder({ files }: System, parent: string, { name, startedAtMs }: RawHeader): string {
  const usual = parseDumpName(name) !== undefined ? name : formatDumpName('recovered', Math.min(Math.max(startedAtMs, 0), 8e15));
  for (let number = 1; number < 1000; number++) {
    const folder = `${parent}/${usual}${number === 1 ? '' : `.${number}`}`;
    if (files.linkStatus(folder) !== undefined) continue;
    files.makeFolder(folder, 0o700);
    return folder;
  }
  throw new TargetError('target/small', `Cannot make a folder for the dump in "${parent}": too many have the name ${usual}`);
}

function requireRoom({ files }: System, parent: string, totalBytes: number): void {
  const { freeBytes } = files.space(parent);
  if (freeBytes >= totalBytes) return;
  const found = `${formatBytes(freeBytes)} are free, expected ${formatBytes(totalBytes)}`;
  throw new TargetError('target/small', `Cannot recover the dump to "${parent}": ${found}`, {
    hint: 'Make room, or recover to another folder; the device keeps the dump until then',
  });
}

function markRecovered(system: System, device: string, header: RawHeader): void {
  const sink = system.createFile(device);
  try {
    writeHeaders(sink, { ...header, state: 'recovered', sequence: header.sequence + 1, captures: 0 });
  } finally {
    sink.close();
  }
}
