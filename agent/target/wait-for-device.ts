/** Waits until a device is there: disks appear when their drivers have found them, seconds after the kernel started. */
import { findDevice } from '../linux/find-device.ts';
import type { System } from '../sys/system.ts';
import { TargetError } from './target-error.ts';

export type WaitOptions = {
  /** On the clock of `system.now()`. */
  readonly endsAt: number;
  /** Called between two looks. */
  readonly onWait?: () => void;
};

const pauseMs = 250;

/**
 * Looks at once and then four times a second.
 *
 * @param device `UUID=…`, `LABEL=…`, `PARTUUID=…` or a path.
 * @returns the node to open.
 * @throws TargetError `target/absent`
 */
export function waitForDevice(system: System, device: string, { endsAt, onWait }: WaitOptions): string {
  const startedAt = system.now();
  for (;;) {
    const found = findDevice(system, device);
    if (found !== undefined) return found;
    if (system.now() >= endsAt) break;
    onWait?.();
    system.kernel.sleep(Math.min(pauseMs, Math.max(1, endsAt - system.now())));
  }
  const seconds = Math.round((system.now() - startedAt) / 1000);
  throw new TargetError('target/absent', `Cannot find the device ${device}: it did not appear within ${seconds} s`, {
    where: device,
    hint: `Block devices that are there: ${system.files.list('/sys/class/block').slice(0, 40).join(' ') || 'none'}; a missing driver belongs into extra_modules`,
  });
}
