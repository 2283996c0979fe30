/** A target that cannot take a dump. */
import { KcaptureError } from '../errors.ts';

/**
 * Codes: `target/absent` (the device did not appear), `target/layer` (encryption, LVM or RAID below it could not be opened), `target/mount`,
 * `target/read-only`, `target/outside` (the folder lies on another file system), `target/memory` (it lies in memory), `target/occupied` (a raw device that holds something else), `target/small`,
 * `target/raw-damaged`, `target/unresolved` (no address of the server is known), `target/unsupported`.
 */
export class TargetError extends KcaptureError {}

/** What a failed call said, for a sentence that goes on after a colon. */
export function reasonIn(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
