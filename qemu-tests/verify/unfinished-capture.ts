/**
 * A folder that a capture left behind when something went wrong: whatever lies there under a finished file's name has to be whole.
 */
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Checks } from './checks.ts';
import { runPython } from './python.ts';
import { checkFiles, readManifest, type SavedManifest } from './saved-capture.ts';

export type LeftBehind = {
  /** Names in the folder, sorted. */
  readonly names: readonly string[];
  /** `undefined`: the capture did not come that far. */
  readonly manifest: SavedManifest | undefined;
  /** What the capture said of itself; empty when nothing is left of it. */
  readonly log: string;
};

/**
 * Checks that no file looks finished and is not, and that the manifest, where there is one, agrees with the folder.
 */
export function checkLeftBehind(checks: Checks, what: string, capture: string): LeftBehind {
  const names = readdirSync(capture).sort();
  const manifest = names.includes('manifest.json') ? readManifest(capture) : undefined;
  if (names.includes('vmcore-dmesg.txt')) {
    const text = readFileSync(join(capture, 'vmcore-dmesg.txt'), 'utf8');
    checks.ok(/Kernel panic - not syncing: [\s\S]*Call Trace:[\s\S]*\n$/.test(text), `${what}: the log is whole`, text.slice(-2000));
  }
  if (names.includes('vmcore')) checkWhole(checks, what, capture);
  if (manifest !== undefined) checkManifest(checks, what, capture, manifest);
  const log = names.find((name) => name.startsWith('kcapture.log'));
  return { names, manifest, log: log === undefined ? '' : readFileSync(join(capture, log), 'utf8') };
}

/** Another reader finds every page the dump says it holds. It needs nothing of the kernel, which may be spoilt. */
function checkWhole(checks: Checks, what: string, capture: string): void {
  const { pages, unreadable } = runPython<{ pages: number; unreadable: number[] }>('whole_dump.py', [join(capture, 'vmcore')]);
  checks.ok(pages > 1000 && unreadable.length === 0, `${what}: libkdumpfile reads all ${pages} pages of the dump`, `not: ${unreadable}`);
}

function checkManifest(checks: Checks, what: string, capture: string, manifest: SavedManifest): void {
  checkFiles(checks, capture, manifest);
  const { status, files, lost } = manifest;
  const unfinished = files.filter(({ complete }) => !complete).map(({ name }) => name);
  checks.ok(
    unfinished.every((name) => name.endsWith('-incomplete') && existsSync(join(capture, name))),
    `${what}: what is unfinished is called so`,
  );
  checks.ok(
    status === 'complete' ? unfinished.length === 0 : lost.length > 0,
    `${what}: the manifest names what is lost`,
    JSON.stringify(manifest),
  );
}
