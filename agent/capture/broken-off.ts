/** The end that the person who started a run by hand wants: at once, and with nothing half done on a server. */
import { CaptureError } from './capture-error.ts';
import type { CaptureSettings } from './settings.ts';

const code = 'capture/broken-off';

/** @throws CaptureError `capture/broken-off` */
export function checkBrokenOff({ isBrokenOff }: Pick<CaptureSettings, 'isBrokenOff'>): void {
  if (isBrokenOff?.()) throw new CaptureError(code, 'Cannot go on: the run was broken off');
}

export function meansBrokenOff(error: unknown): error is CaptureError {
  return error instanceof CaptureError && error.code === code;
}
