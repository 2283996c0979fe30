/** A hardware watchdog: from the moment its device is open it resets the machine unless it is fed. */
import { closeSync, constants, writeSync } from 'node:fs';
import type { Watchdog } from './kernel-interface.ts';
import { openForCall } from './kernel-open.ts';
import { checkCall, ioctlWith } from './system-call.ts';

/** @source linux/watchdog.h; the requests carry an int, the numbers are the same on x86_64 and aarch64 */
const request = { setOptions: 0x80045704, keepAlive: 0x80045705, setTimeout: 0xc0045706, getTimeout: 0x80045707 } as const;
/** WDIOS_DISABLECARD */
const disableCard = 1;

/**
 * Opens the device, which starts it, and asks for a time-out; the driver may choose another, and `timeoutSeconds` says which.
 *
 * @throws KernelCallError when it is missing or in use.
 */
export function openWatchdogDevice(path: string, wantedSeconds: number): Watchdog {
  const fd = openForCall(path, constants.O_WRONLY | constants.O_NOCTTY, 'start the watchdog');
  const timeoutSeconds = chooseTimeout(fd, wantedSeconds);
  let open = true;
  return {
    timeoutSeconds,
    feed() {
      if (open) checkCall(ioctlWith(fd, request.keepAlive, new Int32Array(1)), `feed the watchdog "${path}"`, path);
    },
    disarm() {
      if (!open) return;
      open = false;
      ioctlWith(fd, request.setOptions, new Int32Array([disableCard]));
      try {
        // A driver that allows it takes this letter, the last thing before the end, as "stop".
        writeSync(fd, 'V');
      } finally {
        closeSync(fd);
      }
    },
  };
}

/** What the driver settled on; 0 when it does not say. */
function chooseTimeout(fd: number, wantedSeconds: number): number {
  const seconds = new Int32Array([Math.max(1, Math.min(Math.round(wantedSeconds), 2 ** 31 - 1))]);
  if (ioctlWith(fd, request.setTimeout, seconds) >= 0) return seconds[0];
  return ioctlWith(fd, request.getTimeout, seconds) >= 0 ? seconds[0] : 0;
}
