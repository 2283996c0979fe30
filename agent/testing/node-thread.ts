/** Threads of tests: their program is bundled from the sources when the first one is opened. */
import { mkdtempSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { buildSync } from 'esbuild';
import { openThread } from '../sys/thread.ts';
import type { Thread } from '../sys/thread-interface.ts';

let entry: string | undefined;

/** Below `dist`, so that packages are found. */
export function openNodeThread(task: unknown): Thread {
  entry ??= bundleEntry();
  return openThread(entry, task);
}

function bundleEntry(): string {
  const folder = mkdtempSync(join(process.cwd(), 'dist', 'thread-'));
  process.once('exit', () => rmSync(folder, { recursive: true, force: true }));
  const outfile = join(folder, 'thread.mjs');
  buildSync({
    entryPoints: ['agent/testing/thread-entry.ts'],
    outfile,
    bundle: true,
    format: 'esm',
    platform: 'node',
    target: 'node20',
    packages: 'external',
    external: ['bun:*', '*.so'],
    logLevel: 'silent',
  });
  return outfile;
}
