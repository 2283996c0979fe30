/** Why a capture kernel cannot be loaded. */
import { KcaptureError } from '../../errors.ts';

/**
 * Codes: `load/no-kernel`, `load/kernel`, `load/image`, `load/no-reservation`, `load/reservation`, `load/permission`, `load/forbidden`, `load/signature`,
 * `load/line-too-long`, `load/busy`, `load/refused` (the kernel's call failed; the message says with which errno), `load/state`.
 */
export class LoadError extends KcaptureError {}
