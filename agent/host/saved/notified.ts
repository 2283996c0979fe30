/**
 * `notified.json`: which captures the web hooks have been told about, so that each hears of each once.
 *
 * A hook is known by the hash of its address, which may hold secrets.
 */
import { createHash } from 'node:crypto';
import type { System } from '../../sys/system.ts';
import { hostPaths } from '../paths.ts';

/** Folder of a capture → hooks (hashed) that were told. */
export type Notified = ReadonlyMap<string, readonly string[]>;

const path = `${hostPaths.state}/notified.json`;
const maxEntries = 10_000;

/** `undefined`: nobody was ever told of anything, or the file makes no sense. */
export function readNotified({ files }: Pick<System, 'files'>): Notified | undefined {
  try {
    const value: unknown = JSON.parse(files.readTextIfThere(path) ?? '');
    if (typeof value !== 'object' || value === null || !('captures' in value)) return undefined;
    const captures = Object.entries(value.captures as object).slice(0, maxEntries);
    return new Map(
      captures.map(([folder, hooks]) => [folder, Array.isArray(hooks) ? hooks.filter((hook) => typeof hook === 'string') : []]),
    );
  } catch (error) {
    if (error instanceof SyntaxError || error instanceof TypeError) return undefined;
    throw error;
  }
}

export function writeNotified({ files }: Pick<System, 'files'>, notified: Notified): void {
  files.makeFolder(hostPaths.state);
  files.write(path, `${JSON.stringify({ version: 1, captures: Object.fromEntries(notified) }, undefined, 2)}\n`, 0o600);
}

export function hashHook(url: string): string {
  return createHash('sha256').update(url).digest('hex').slice(0, 32);
}
