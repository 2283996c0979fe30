/**
 * Disks and network cards as the kernel shows them, by construction: `/sys/class/block`, `/sys/class/net`, `/sys/devices`, `/sys/dev/block` with their links, and `/dev` with
 * ordinary files in the place of nodes.
 */
import { lstatSync, mkdirSync, symlinkSync, writeFileSync } from 'node:fs';
import { dirname, join, relative } from 'node:path';

export type BusDevice = { readonly folder: string; readonly driver?: string; readonly module?: string; readonly modalias?: string };

export type BuiltDisk = {
  readonly name: string;
  readonly number: string;
  /** From the root of the bus to the disk's own device. */
  readonly bus: readonly BusDevice[];
  readonly content?: Uint8Array;
  readonly partitions?: readonly {
    readonly name: string;
    readonly partition: number;
    readonly number: string;
    readonly content?: Uint8Array;
  }[];
};

export type BuiltMapping = {
  /** `dm-0`, `md127`. */
  readonly name: string;
  readonly number: string;
  readonly slaves: readonly string[];
  readonly mapper?: { readonly name: string; readonly uuid: string };
  readonly raidLevel?: string;
  readonly content?: Uint8Array;
};

const noContent = new Uint8Array(4096);

export function putDisk(root: string, { name, number, bus, content = noContent, partitions = [] }: BuiltDisk): void {
  let folder = '/sys/devices';
  for (const device of bus) {
    folder = `${folder}/${device.folder}`;
    putBusDevice(root, folder, device);
  }
  const own = `${folder}/block/${name}`;
  putBlock(root, own, { name, number, content });
  for (const { name: part, partition, number: partNumber, content: partContent = noContent } of partitions) {
    putBlock(root, `${own}/${part}`, { name: part, number: partNumber, content: partContent });
    put(root, `${own}/${part}/partition`, `${partition}\n`);
  }
}

export function putMapping(root: string, { name, number, slaves, mapper, raidLevel, content = noContent }: BuiltMapping): void {
  const folder = `/sys/devices/virtual/block/${name}`;
  putBlock(root, folder, { name, number, content });
  if (mapper !== undefined) {
    put(root, `${folder}/dm/name`, `${mapper.name}\n`);
    put(root, `${folder}/dm/uuid`, `${mapper.uuid}\n`);
  }
  if (raidLevel !== undefined) put(root, `${folder}/md/level`, `${raidLevel}\n`);
  for (const slave of slaves) {
    link(root, `${folder}/slaves/${slave}`, `/sys/class/block/${slave}`);
    put(root, `/sys/class/block/${slave}/holders/${name}`, '');
  }
}

export type BuiltCard = {
  readonly name: string;
  /** From the root of the bus to the card. */
  readonly bus: readonly BusDevice[];
  /** Its transceiver, on the bus of its own. */
  readonly transceiver?: BusDevice;
  /** The function that a virtual function asks. */
  readonly physical?: BusDevice;
};

export function putCard(root: string, { name, bus, transceiver, physical }: BuiltCard): void {
  let folder = '/sys/devices';
  for (const device of bus) {
    folder = `${folder}/${device.folder}`;
    putBusDevice(root, folder, device);
  }
  const own = `${folder}/net/${name}`;
  mkdirSync(join(root, own), { recursive: true });
  link(root, `${own}/device`, folder);
  link(root, `/sys/class/net/${name}`, own);
  for (const [from, device] of [
    [`${own}/phydev`, transceiver],
    [`${folder}/physfn`, physical],
  ] as const) {
    if (device === undefined) continue;
    putBusDevice(root, `/sys/devices/${device.folder}`, device);
    link(root, from, `/sys/devices/${device.folder}`);
  }
}

function putBusDevice(root: string, folder: string, { driver, module, modalias }: BusDevice): void {
  mkdirSync(join(root, folder), { recursive: true });
  if (modalias !== undefined) put(root, `${folder}/modalias`, `${modalias}\n`);
  if (driver === undefined) return;
  const driverFolder = `/sys/bus/any/drivers/${driver}`;
  mkdirSync(join(root, driverFolder), { recursive: true });
  link(root, `${folder}/driver`, driverFolder);
  if (module === undefined) return;
  mkdirSync(join(root, `/sys/module/${module}`), { recursive: true });
  link(root, `${driverFolder}/module`, `/sys/module/${module}`);
}

function putBlock(root: string, folder: string, { name, number, content }: { name: string; number: string; content: Uint8Array }): void {
  put(root, `${folder}/size`, `${content.length / 512}\n`);
  link(root, `/sys/class/block/${name}`, folder);
  link(root, `/sys/dev/block/${number}`, folder);
  put(root, `/dev/${name.replaceAll('!', '/')}`, content);
}

function put(root: string, path: string, content: string | Uint8Array): void {
  mkdirSync(dirname(join(root, path)), { recursive: true });
  writeFileSync(join(root, path), content);
}

/** Relative, as the kernel makes them. One that is there stays: disks share their buses. */
function link(root: string, path: string, target: string): void {
  if (lstatSync(join(root, path), { throwIfNoEntry: false }) !== undefined) return;
  mkdirSync(dirname(join(root, path)), { recursive: true });
  symlinkSync(relative(dirname(path), target), join(root, path));
}

/** Two buses that tests use again and again. */
export const virtioBus: readonly BusDevice[] = [
  { folder: 'pci0000:00' },
  { folder: '0000:00:03.0', driver: 'virtio-pci', module: 'virtio_pci', modalias: 'pci:v00001AF4d00001042sv00001AF4sd00001100bc01sc00i00' },
  { folder: 'virtio0', driver: 'virtio_blk', module: 'virtio_blk', modalias: 'virtio:d00000002v00001AF4' },
];
export const sataBus: readonly BusDevice[] = [
  { folder: 'pci0000:00' },
  { folder: '0000:00:1f.2', driver: 'ahci', module: 'ahci', modalias: 'pci:v00008086d00002922sv00001AF4sd00001100bc01sc06i01' },
  { folder: 'ata1' },
  { folder: 'host0' },
  { folder: 'target0:0:0' },
  { folder: '0:0:0:0', driver: 'sd', module: 'sd_mod', modalias: 'scsi:t-0x00' },
];
