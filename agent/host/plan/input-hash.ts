/**
 * One number over everything an image is made from: two images with the same one hold the same.
 *
 * Files that change rarely and are large count by path, size and time; scripts, keys and the executable by what is in them.
 */
import { createHash } from 'node:crypto';
import type { System } from '../../sys/system.ts';

export type HashInputs = {
  /** Plain data: the plan without its own hash and times. */
  readonly facts: unknown;
  readonly byContent: readonly string[];
  readonly byIdentity: readonly string[];
};

/** SHA-256, hexadecimal. */
export function hashInputs({ files }: Pick<System, 'files'>, { facts, byContent, byIdentity }: HashInputs): string {
  const content = byContent.map((path) => [path, files.status(path) === undefined ? 'missing' : files.sha256(path)]);
  const identity = byIdentity.map((path) => {
    const status = files.status(path);
    return [path, status === undefined ? 'missing' : `${status.sizeBytes} ${Math.floor(status.modifiedMs)}`];
  });
  return createHash('sha256')
    .update(JSON.stringify([1, facts, content, identity]))
    .digest('hex');
}
