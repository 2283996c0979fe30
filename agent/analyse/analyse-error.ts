/** The error of this room: what a dump says cannot be told. */
import { KcaptureError } from '../errors.ts';

/**
 * Codes: `analyse/no-log` (VMCOREINFO does not say where the log is), `analyse/damaged` (it says so, but nothing sensible is there),
 * `analyse/not-a-dump`.
 */
export class AnalyseError extends KcaptureError {}
