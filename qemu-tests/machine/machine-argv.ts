/**
 * QEMU's argument vector for one boot of a machine.
 *
 * Each disk is a chain of named block nodes, so that it can be made to fail while the machine runs: `file-NAME` is the file, `dead-NAME` the same
 * file with every request failing, `disk-NAME` what the device reads through, `device-NAME` the device, on a PCI port of its own so that it can be
 * unplugged. Ports are named as in the engine's guests.
 */
import type { Port } from '../argv.ts';
import type { Kernel } from '../kernels.ts';
import type { Attachment } from './disks.ts';

export type AttachedDisk = { readonly name: string; readonly path: string; readonly attachment: Attachment | undefined };

/** Address of the network card. */
export const networkCard = '52:54:00:6d:61:63';

export type MachineArgvOptions = {
  readonly kernel: Kernel;
  readonly memoryMiB: number;
  readonly cpus: number;
  readonly image: string;
  readonly initramfs: string;
  readonly commandLine: string;
  readonly disks: readonly AttachedDisk[];
  readonly ports: readonly Port[];
  /** A network card on QEMU's user network, where 10.0.2.2 is the host's loopback. */
  readonly network: boolean;
  /** What the machine's own clock begins with, e.g. `1970-01-01T00:00:00`; `undefined`: the host's time. */
  readonly clock: string | undefined;
  readonly consolePath: string;
};

export function machineArgv(options: MachineArgvOptions): readonly string[] {
  const disks = options.disks.filter(({ attachment }) => attachment !== 'absent');
  return [
    'qemu-system-x86_64',
    ...['-machine', 'q35,accel=tcg', '-cpu', options.kernel.cpu, '-smp', `${options.cpus}`, '-m', `${options.memoryMiB}`],
    ...['-nodefaults', '-no-user-config', '-display', 'none', '-no-reboot'],
    ...['-chardev', `file,id=console,path=${options.consolePath}`, '-serial', 'chardev:console'],
    ...(options.clock === undefined ? [] : ['-rtc', `base=${options.clock}`]),
    ...['-device', 'virtio-serial-pci'],
    ...options.ports.flatMap(({ name, path }) => [
      ...['-chardev', `file,id=port-${name},path=${path}`],
      ...['-device', `virtserialport,chardev=port-${name},name=${name}`],
    ]),
    ...(options.network ? networkArgv : []),
    ...disks.flatMap(diskArgv),
    ...['-qmp', 'stdio'],
    ...['-kernel', options.image, '-initrd', options.initramfs, '-append', options.commandLine],
  ];
}

/** On a port of its own, so that it can be unplugged; `set_link` takes its cable out. */
const networkArgv: readonly string[] = [
  ...['-netdev', 'user,id=network,restrict=off'],
  ...['-device', 'pcie-root-port,id=slot-network,chassis=100,slot=100'],
  ...['-device', `virtio-net-pci,id=device-network,bus=slot-network,netdev=network,mac=${networkCard}`],
];

function diskArgv({ name, path, attachment }: AttachedDisk, index: number): readonly string[] {
  const file = {
    driver: 'file',
    'node-name': `file-${name}`,
    filename: path,
    discard: 'unmap',
    cache: { 'no-flush': true },
    'read-only': attachment === 'read-only',
  };
  const dead = {
    driver: 'blkdebug',
    'node-name': `dead-${name}`,
    image: `file-${name}`,
    // Reads, writes and flushes, each of them.
    'inject-error': [{ event: 'none', errno: 5 }],
  };
  const group = `limits-${name}`;
  const limits = typeof attachment === 'object' ? `,x-iops-write=${attachment.writesPerSecond}` : '';
  const top = { ...diskNode(name), 'read-only': attachment === 'read-only', 'throttle-group': group };
  return [
    ...['-object', `throttle-group,id=${group}${limits}`],
    ...['-blockdev', JSON.stringify(file), '-blockdev', JSON.stringify(dead), '-blockdev', JSON.stringify(top)],
    ...['-device', `pcie-root-port,id=slot-${name},chassis=${index + 1},slot=${index + 1}`],
    ...['-device', `virtio-blk-pci,id=device-${name},bus=slot-${name},drive=disk-${name},serial=${name},werror=report,rerror=report`],
  ];
}

/** The node a device reads through, on top of the file. */
export function diskNode(name: string, below = `file-${name}`): Readonly<Record<string, unknown>> {
  return { driver: 'throttle', 'node-name': `disk-${name}`, 'throttle-group': `limits-${name}`, file: below };
}
