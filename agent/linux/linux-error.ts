/** The error of this room: what the running kernel and its devices say cannot be told. */
import { KcaptureError } from '../errors.ts';

/**
 * Codes: `linux/no-device`, `linux/no-file-system`, `linux/bad-module`, `linux/no-modules`, `linux/bad-netlink`.
 */
export class LinuxError extends KcaptureError {}
