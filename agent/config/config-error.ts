/** What the values of the configuration throw; `readConfiguration` turns it into a problem with a line. */
import { KcaptureError } from '../errors.ts';

/** Codes: `config/value` (cannot be used), `config/missing` (no such file). */
export class ConfigError extends KcaptureError {}

/** A value that cannot be used. `message` is the whole sentence; what should be written stands in `hint`. */
export function badValue(message: string, hint?: string): ConfigError {
  return new ConfigError('config/value', message, { hint });
}
