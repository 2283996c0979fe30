/**
 * QEMU's argument vector for one guest.
 *
 * TCG only: no accelerator is assumed. Devices have names instead of an order: disks by their virtio serial, ports by their port name.
 */
import type { Kernel } from './kernels.ts';

export type Disk = {
  /** What the guest looks for in `/sys/block/vd?/serial`. */
  readonly serial: string;
  readonly path: string;
  readonly readOnly: boolean;
};

export type Port = { readonly name: string; readonly path: string };

export type GuestOptions = {
  readonly kernel: Kernel;
  readonly image: string;
  readonly initramfs: string;
  readonly commandLine: string;
  readonly disks: readonly Disk[];
  readonly ports: readonly Port[];
  readonly consolePath: string;
};

export function qemuArgv(options: GuestOptions): readonly string[] {
  const { cpu, memoryMiB, lowMemoryMiB } = options.kernel;
  const border = lowMemoryMiB === undefined ? '' : `,max-ram-below-4g=${lowMemoryMiB}M`;
  return [
    'qemu-system-x86_64',
    ...['-machine', `q35,accel=tcg${border}`, '-cpu', cpu, '-smp', '2', '-m', `${memoryMiB}`],
    ...['-nodefaults', '-no-user-config', '-display', 'none', '-no-reboot'],
    ...['-chardev', `file,id=console,path=${options.consolePath}`, '-serial', 'chardev:console'],
    ...['-device', 'virtio-serial-pci', '-device', 'virtio-balloon-pci'],
    ...options.ports.flatMap(({ name, path }) => [
      ...['-chardev', `file,id=port-${name},path=${path}`],
      ...['-device', `virtserialport,chardev=port-${name},name=${name}`],
    ]),
    ...options.disks.flatMap(({ serial, path, readOnly }) => [
      ...[
        '-drive',
        `if=none,id=disk-${serial},file=${path},format=raw,cache=unsafe,discard=unmap,detect-zeroes=unmap,read-only=${readOnly ? 'on' : 'off'}`,
      ],
      ...['-device', `virtio-blk-pci,drive=disk-${serial},serial=${serial}`],
    ]),
    ...['-qmp', 'stdio'],
    ...['-kernel', options.image, '-initrd', options.initramfs, '-append', options.commandLine],
  ];
}
