/** The two programs compared: how each is called, and where each says how long its filter took. */
import { spawnSync } from 'node:child_process';
import { globSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { command } from '../command.ts';
import { foreignProgram } from '../foreign-program.ts';
import type { Job } from './measure.ts';

export type Program = {
  readonly name: string;
  /** What it says about itself. */
  readonly version: string;
  /** The words that run it. */
  readonly command: readonly string[];
  /** The words that dump `vmcore` to `output` with these options. */
  readonly argv: (options: readonly string[], vmcore: string, output: string) => readonly string[];
  readonly readFilterSeconds: Job['readFilterSeconds'];
};

const root = join(import.meta.dirname, '../..');
const built = join(root, 'dist/kcapture');

/** Our executable. @param path Default: `dist/kcapture`, built first when it is older than a source. */
export function ours(path: string | undefined): Program {
  if (path === undefined && isStale()) buildExecutable();
  const executable = path ?? built;
  return {
    name: 'kcapture',
    version: command([executable, 'version']).trim().split('\n')[0],
    command: [executable],
    argv: (options, vmcore, output) => [executable, 'dump', '--json', '-f', ...options, vmcore, output],
    readFilterSeconds: (stdout) => JSON.parse(stdout).elapsedMs.filter / 1000,
  };
}

/**
 * Debian sid's makedumpfile, with all codecs, run with its own libraries. Told to report, it prints the seconds of each step.
 *
 * Its threads need libgcc_s the moment they end; loaded that late it failed in 3 of 8 runs, loaded at the start in none of 10.
 */
export function theirs(): Program {
  const { argv: words, root: folder } = foreignProgram('sid', 'makedumpfile', 'usr/bin/makedumpfile');
  const argv = [words[0], '--preload', join(folder, 'usr/lib/x86_64-linux-gnu/libgcc_s.so.1'), ...words.slice(1)];
  return {
    name: 'makedumpfile',
    version: command([...argv, '-v']).split('\n')[0],
    command: argv,
    argv: (options, vmcore, output) => [...argv, '--message-level', '16', '-f', ...options, vmcore, output],
    readFilterSeconds: (stdout, stderr) => {
      const steps = [...`${stdout}\n${stderr}`.matchAll(/^STEP \[Excluding unnecessary pages\s*\] : ([\d.]+) seconds/gm)];
      return steps.reduce((sum, [, seconds]) => sum + Number(seconds), 0);
    },
  };
}

function isStale(): boolean {
  const builtAt = statSync(built, { throwIfNoEntry: false })?.mtimeMs ?? 0;
  const sources = globSync(['agent/**/*.ts', 'build.ts', 'package.json'], { cwd: root }).filter((path) => !path.endsWith('.test.ts'));
  return sources.some((path) => statSync(join(root, path)).mtimeMs > builtAt);
}

function buildExecutable(): void {
  const { status } = spawnSync(process.execPath, ['build.ts'], { cwd: root, stdio: ['ignore', process.stderr.fd, process.stderr.fd] });
  if (status !== 0) throw new Error('Cannot build dist/kcapture: the reason is above');
}
