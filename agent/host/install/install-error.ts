/** Why installing or uninstalling stopped. */
import { KcaptureError } from '../../errors.ts';

/** Codes: `install/occupied`, `install/executable`, `install/record`, `install/root`, `install/not-installed`. */
export class InstallError extends KcaptureError {}
