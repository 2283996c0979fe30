/**
 * How a capture lies on a raw device.
 *
 * ```
 *  0        header (4 KiB)
 *  4 KiB    header again: one of the two is whole whenever the power goes
 *  1 MiB    log of the crashed kernel   at most 1/16 of the device, 64 KiB to 16 MiB
 *           manifest                    256 KiB
 *           log of the capture          1 MiB
 *           dump, up to the end of the device; starts at a multiple of 1 MiB
 * ```
 * All numbers are little endian, offsets and sizes in bytes. The header with the higher sequence number counts. It is written before the dump, now and then
 * while the dump grows, and when it has ended.
 */
import { crc32 } from 'node:zlib';
import { defineStruct } from '../../binary/struct.ts';
import { decodeText, encodeText } from '../../binary/text.ts';
import { formatBytes, KiB, MiB } from '../../binary/units.ts';
import { TargetError } from '../target-error.ts';

export const rawMagic = 'KCAPTURE RAW';
export const rawVersion = 1;
export const headerBytes = 4 * KiB;
/** Both copies. */
export const headersBytes = 2 * headerBytes;

/** `begun`: being written, or the agent died. `ended`: it was written as far as it goes. `recovered`: it stands in a folder by now. */
export const rawStates = { begun: 1, ended: 2, recovered: 3 } as const;

const struct = defineStruct('raw_capture_header', 512, {
  magic: [0, { bytes: 16 }],
  version: [16, 'u32'],
  state: [20, 'u32'],
  sequence: [24, 'u64'],
  device_bytes: [32, 'u64'],
  /** Milliseconds since 1970. */
  started_at: [40, 'i64'],
  /** Captures on this device since one was recovered, this one counted. */
  captures: [48, 'u32'],
  /** 1: the dump is whole. */
  dump_complete: [52, 'u32'],
  dmesg_offset: [56, 'u64'],
  dmesg_bytes: [64, 'u64'],
  manifest_offset: [72, 'u64'],
  manifest_bytes: [80, 'u64'],
  log_offset: [88, 'u64'],
  log_bytes: [96, 'u64'],
  dump_offset: [104, 'u64'],
  dump_bytes: [112, 'u64'],
  /** Name of the folder that the capture becomes. */
  name: [128, { bytes: 128 }],
  /** CRC-32 of the bytes before. */
  crc: [508, 'u32'],
});

export type Area = { readonly offset: number; readonly bytes: number };
export type RawAreas = { readonly dmesg: Area; readonly manifest: Area; readonly log: Area; readonly dump: Area };

export type RawHeader = {
  readonly state: keyof typeof rawStates;
  readonly sequence: number;
  readonly deviceBytes: number;
  readonly startedAtMs: number;
  readonly captures: number;
  readonly dumpComplete: boolean;
  readonly name: string;
  /** Where each part lies and how much of it there is. */
  readonly areas: RawAreas;
};

/**
 * The areas of a device with all the room each has.
 * @throws TargetError `target/small`
 */
export function planAreas(deviceBytes: number): RawAreas {
  const logBytes = Math.min(16 * MiB, Math.max(64 * KiB, Math.floor(deviceBytes / 16 / 4096) * 4096));
  const dmesg = { offset: MiB, bytes: logBytes };
  const manifest = { offset: dmesg.offset + dmesg.bytes, bytes: 256 * KiB };
  const log = { offset: manifest.offset + manifest.bytes, bytes: MiB };
  const start = Math.ceil((log.offset + log.bytes) / MiB) * MiB;
  if (deviceBytes >= start + MiB) return { dmesg, manifest, log, dump: { offset: start, bytes: deviceBytes - start } };
  throw new TargetError(
    'target/small',
    `Cannot dump to a device of ${formatBytes(deviceBytes)}: expected at least ${formatBytes(start + MiB)}`,
  );
}

/** 4 KiB: both copies on the device are this. */
export function writeRawHeader(header: RawHeader): Uint8Array {
  const { areas } = header;
  const bytes = struct.write({
    magic: padded(rawMagic, 16),
    version: rawVersion,
    state: rawStates[header.state],
    sequence: BigInt(header.sequence),
    device_bytes: BigInt(header.deviceBytes),
    started_at: BigInt(header.startedAtMs),
    captures: header.captures,
    dump_complete: header.dumpComplete ? 1 : 0,
    dmesg_offset: BigInt(areas.dmesg.offset),
    dmesg_bytes: BigInt(areas.dmesg.bytes),
    manifest_offset: BigInt(areas.manifest.offset),
    manifest_bytes: BigInt(areas.manifest.bytes),
    log_offset: BigInt(areas.log.offset),
    log_bytes: BigInt(areas.log.bytes),
    dump_offset: BigInt(areas.dump.offset),
    dump_bytes: BigInt(areas.dump.bytes),
    name: padded(header.name, 128),
  });
  const [crcOffset] = struct.fields.crc;
  new DataView(bytes.buffer).setUint32(crcOffset, crc32(bytes.subarray(0, crcOffset)), true);
  const block = new Uint8Array(headerBytes);
  block.set(bytes);
  return block;
}

/**
 * The header of a device from its first `headersBytes` bytes; `undefined` when no capture was ever written there.
 *
 * @param deviceBytes every area is checked to lie inside.
 * @throws TargetError `target/raw-damaged` when there was one and neither copy can be read.
 */
export function readRawHeader(bytes: Uint8Array, deviceBytes: number): RawHeader | undefined {
  const copies = [0, headerBytes].map((offset) => bytes.subarray(offset, offset + headerBytes)).filter(hasMagic);
  if (copies.length === 0) return undefined;
  const headers = copies.map((copy) => parseCopy(copy, deviceBytes)).filter((header) => header !== undefined);
  if (headers.length > 0) return headers.reduce((a, b) => (b.sequence > a.sequence ? b : a));
  throw new TargetError('target/raw-damaged', 'Cannot read the raw capture: both copies of its header are damaged', {
    hint: 'The dump may still be there: "kcapture inspect" takes a copy of the device from the first "KDUMP" on',
  });
}

function hasMagic(copy: Uint8Array): boolean {
  return copy.length >= struct.sizeBytes && decodeText(copy.subarray(0, 16)) === rawMagic;
}

function parseCopy(copy: Uint8Array, deviceBytes: number): RawHeader | undefined {
  const fields = struct.read(copy);
  if (fields.version !== rawVersion || fields.crc !== crc32(copy.subarray(0, struct.fields.crc[0]))) return undefined;
  const state = Object.entries(rawStates).find(([, value]) => value === fields.state)?.[0] as RawHeader['state'] | undefined;
  const areas = {
    dmesg: area(fields.dmesg_offset, fields.dmesg_bytes, deviceBytes),
    manifest: area(fields.manifest_offset, fields.manifest_bytes, deviceBytes),
    log: area(fields.log_offset, fields.log_bytes, deviceBytes),
    dump: area(fields.dump_offset, fields.dump_bytes, deviceBytes),
  };
  if (state === undefined || Object.values(areas).some((part) => part === undefined)) return undefined;
  return {
    state,
    sequence: Number(fields.sequence),
    deviceBytes: Number(fields.device_bytes),
    startedAtMs: Number(fields.started_at),
    captures: fields.captures,
    dumpComplete: fields.dump_complete === 1,
    name: decodeText(fields.name),
    areas: areas as RawAreas,
  };
}

function area(offset: bigint, bytes: bigint, deviceBytes: number): Area | undefined {
  const inside = offset >= BigInt(headersBytes) && offset + bytes <= BigInt(deviceBytes);
  return inside ? { offset: Number(offset), bytes: Number(bytes) } : undefined;
}

function padded(text: string, length: number): Uint8Array {
  const bytes = new Uint8Array(length);
  bytes.set(encodeText(text).subarray(0, length - 1));
  return bytes;
}
