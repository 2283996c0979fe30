/**
 * `installed.json`: what `kcapture install` wrote, so that uninstalling removes that and nothing else.
 *
 * Only the superuser can write it; still every path is checked before anything is removed by it.
 */
import type { Files } from '../../sys/files-interface.ts';
import { hostPaths } from '../paths.ts';
import { InstallError } from './install-error.ts';

export type InstalledEntry =
  /** Made by us, and removed when it is empty. */
  | { readonly kind: 'folder'; readonly path: string }
  | { readonly kind: 'link'; readonly path: string; readonly target: string }
  /** `sha256`: of what was written, lower-case hexadecimal. */
  | { readonly kind: 'file'; readonly path: string; readonly sha256: string; readonly mode: number };

export type InstallRecord = {
  readonly version: 1;
  readonly kcapture: string;
  /** In the order in which they were made: a folder before what it holds. */
  readonly entries: readonly InstalledEntry[];
};

/**
 * The record of the last `install`; `undefined`: there was none.
 * @throws InstallError `install/record`: it cannot be understood.
 */
export function readRecord(files: Pick<Files, 'readTextIfThere'>): InstallRecord | undefined {
  const text = files.readTextIfThere(hostPaths.installed);
  if (text === undefined) return undefined;
  const value = parse(text);
  if (!isObject(value) || value.version !== 1 || typeof value.kcapture !== 'string' || !Array.isArray(value.entries)) {
    throw damaged('expected an object with "version": 1, "kcapture" and "entries"');
  }
  return { version: 1, kcapture: value.kcapture, entries: value.entries.map(checkEntry) };
}

export function writeRecord(files: Pick<Files, 'write'>, record: InstallRecord): void {
  files.write(hostPaths.installed, `${JSON.stringify(record, undefined, 2)}\n`, 0o600);
}

function parse(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch (cause) {
    throw damaged('it is no JSON', cause);
  }
}

function checkEntry(value: unknown, index: number): InstalledEntry {
  if (isObject(value) && isPlainPath(value.path)) {
    const { kind, path, target, sha256, mode } = value;
    if (kind === 'folder') return { kind, path };
    if (kind === 'link' && typeof target === 'string') return { kind, path, target };
    const isFile = kind === 'file' && typeof sha256 === 'string' && /^[0-9a-f]{64}$/.test(sha256);
    if (isFile && Number.isInteger(mode)) return { kind, path, sha256, mode: Number(mode) };
  }
  throw damaged(`entry ${index} is ${JSON.stringify(value)?.slice(0, 200)}`);
}

/** Absolute, without `.` and `..`, and never the root itself. */
function isPlainPath(path: unknown): path is string {
  if (typeof path !== 'string' || path.includes('\0')) return false;
  const [first, ...parts] = path.split('/');
  return first === '' && parts.length > 0 && parts.every((part) => part !== '' && part !== '.' && part !== '..');
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

function damaged(found: string, cause?: unknown): InstallError {
  const hint = 'Run "kcapture install" again to write a new one.';
  return new InstallError('install/record', `Cannot use "${hostPaths.installed}": ${found}`, { where: hostPaths.installed, hint, cause });
}
