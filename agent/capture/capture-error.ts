/** Why the run, or one step of it, ends early. */
import { KcaptureError } from '../errors.ts';

/**
 * Codes: `capture/time-limit`, `capture/time-limit-ahead` (it would be met), `capture/no-room` (less than what has to stay free), `capture/unnamed` (whole, under the name
 * that says incomplete), `capture/bad-plan`, `capture/not-here` (this is no capture kernel), `capture/collector` (the administrator's own program failed),
 * `capture/broken-off` (by the person who started the run), `capture/internal`.
 */
export class CaptureError extends KcaptureError {}

/** Any error as one of ours: what is not was never meant to happen, and the run goes on in spite of it. */
export function asKcaptureError(error: unknown): KcaptureError {
  if (error instanceof KcaptureError) return error;
  const text = error instanceof Error ? (error.stack ?? error.message) : String(error);
  return new CaptureError('capture/internal', `Internal error: ${text.split('\n').slice(0, 3).join(' ')}`, { cause: error });
}
