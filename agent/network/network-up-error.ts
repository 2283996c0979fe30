/** The capture kernel's network that could not be put up. */
import { KcaptureError } from '../errors.ts';

/**
 * Codes: `network-up/no-device` (none of the armed devices is there), `network-up/down` (no link that leads to a target works: no carrier, or no address
 * could be given), `network-up/netlink` (the kernel does not talk about its network).
 */
export class NetworkUpError extends KcaptureError {}
