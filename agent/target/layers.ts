/**
 * The layers below a file system: encryption, LVM, RAID. Each is opened by the program that belongs to it, bottom first.
 *
 * The programs make their own device nodes: nobody says that udev runs here.
 */
import type { DeviceLayer } from '../config/armed-plan.ts';
import { findDevice } from '../linux/find-device.ts';
import type { ProgramResult } from '../sys/programs-interface.ts';
import type { System } from '../sys/system.ts';
import { TargetError } from './target-error.ts';
import { waitForDevice, type WaitOptions } from './wait-for-device.ts';

/** Undoes what `openLayers` did, as well as that goes; never throws. */
export type CloseLayers = () => void;

/** @source libdevmapper: with this set it makes and removes nodes itself and waits for no udev cookie */
const environment = { DM_DISABLE_UDEV: '1', LVM_SUPPRESS_FD_WARNINGS: '1' };
const openTimeoutMs = 120_000;
const closeTimeoutMs = 10_000;
const pauseMs = 500;

/**
 * Opens what is not open yet, trying again until `endsAt`, since disks below may still appear.
 *
 * @throws TargetError `target/layer` with what the program said; `target/absent`.
 */
export function openLayers(system: System, layers: readonly DeviceLayer[], options: WaitOptions): CloseLayers {
  const closers: CloseLayers[] = [];
  const close = () => {
    for (const closer of closers.splice(0).reverse()) closer();
  };
  try {
    for (const layer of layers) closers.push(openLayer(system, layer, options));
    return close;
  } catch (error) {
    close();
    throw error;
  }
}

function openLayer(system: System, layer: DeviceLayer, options: WaitOptions): CloseLayers {
  if (layer.kind === 'luks') return openLuks(system, layer, options);
  if (layer.kind === 'lvm') return openVolume(system, layer, options);
  return openArray(system, layer, options);
}

function openLuks(system: System, layer: DeviceLayer & { kind: 'luks' }, options: WaitOptions): CloseLayers {
  if (findDevice(system, `/dev/mapper/${layer.name}`) !== undefined) return () => {};
  if (layer.keyFile === undefined) {
    throw new TargetError('target/layer', `Cannot open the encrypted device ${layer.uuid}: the image has no key file for it`, {
      hint: 'Give it a key file in /etc/crypttab, or choose a target that is not encrypted',
    });
  }
  const device = waitForDevice(system, `UUID=${layer.uuid}`, options);
  const program = need(system, 'cryptsetup');
  const words = ['open', '--type', 'luks', '--batch-mode', '--disable-keyring', '--key-file', layer.keyFile, device, layer.name];
  tryUntil(system, { ...options, endsAt: 0 }, `the encrypted device ${device}`, [program, ...words]);
  return () => stop(system, [program, 'close', layer.name]);
}

function openVolume(system: System, layer: DeviceLayer & { kind: 'lvm' }, options: WaitOptions): CloseLayers {
  const name = `${layer.volumeGroup}/${layer.logicalVolume}`;
  if (findDevice(system, `/dev/${name}`) !== undefined) return () => {};
  const program = need(system, 'lvm');
  tryUntil(system, options, `the logical volume ${name}`, [program, 'lvchange', '-ay', '-y', '--sysinit', name]);
  return () => stop(system, [program, 'lvchange', '-an', name]);
}

function openArray(system: System, layer: DeviceLayer & { kind: 'md' }, options: WaitOptions): CloseLayers {
  const program = need(system, 'mdadm');
  const node = `/dev/md/kcapture-${layer.uuid.replace(/[^0-9a-f]/gi, '').slice(0, 8)}`;
  if (isAssembled(system, layer.uuid)) return () => {};
  tryUntil(system, options, `the RAID array ${layer.uuid}`, [program, '--assemble', '--run', `--uuid=${layer.uuid}`, node]);
  // Stopping marks the array clean, so that the next boot does not rebuild it.
  return () => stop(system, [program, '--stop', node]);
}

/** @source sysfs: md/uuid of a running array, with hyphens; mdadm writes colons elsewhere */
function isAssembled(system: System, uuid: string): boolean {
  const plain = (text: string) => text.replace(/[^0-9a-f]/gi, '').toLowerCase();
  const folders = system.files.list('/sys/class/block').map((name) => `/sys/class/block/${name}/md`);
  return folders.some((folder) => plain(system.files.readTextIfThere(`${folder}/uuid`) ?? '') === plain(uuid));
}

function need(system: System, name: string): string {
  const path = system.programs.find(name);
  if (path !== undefined) return path;
  throw new TargetError('target/layer', `Cannot open the layers of the target: there is no ${name} in the image`, {
    hint: `Install ${name} and make the image anew`,
  });
}

/** Runs a program until it succeeds or the time is over; at least once. */
function tryUntil(system: System, { endsAt, onWait }: WaitOptions, what: string, argv: readonly string[]): void {
  for (;;) {
    onWait?.();
    const result = system.programs.run(argv, { timeoutMs: openTimeoutMs, environment });
    if (result.status === 0) return;
    if (system.now() >= endsAt) throw refused(what, argv, result);
    system.kernel.sleep(pauseMs);
  }
}

function refused(what: string, argv: readonly string[], { status, stdout, stderr }: ProgramResult): TargetError {
  const words = (stderr.trim() || stdout.trim() || 'it said nothing').split('\n').slice(-3).join('; ');
  return new TargetError('target/layer', `Cannot open ${what}: ${argv[0]} ended with ${status}: ${words}`, {
    hint:
      status >= 128
        ? 'The capture kernel may lack the memory for it: LUKS2 keys with Argon2 need as much as they were made with'
        : undefined,
  });
}

function stop(system: System, argv: readonly string[]): void {
  system.programs.run(argv, { timeoutMs: closeTimeoutMs, environment });
}
