import { KcaptureError } from '../../errors.ts';

/**
 * Setting up a target on the network. Codes: `target-set-up/permission` (not root), `target-set-up/folder` (its folder is no plain folder of root's), `target-set-up/key`,
 * `target-set-up/host-key`, `target-set-up/secret`, `target-set-up/certificate`, `target-set-up/kind` (an option that does not suit the target).
 */
export class TargetSetUpError extends KcaptureError {}
