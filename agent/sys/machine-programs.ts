/**
 * Other programs, started by argument vector and waited for. Each gets a session of its own, so that with it, when its time is over, all that
 * it started can be killed; one that talks to our terminal stays in our session, or it could not read what is typed.
 */
import { type SpawnSyncOptionsWithBufferEncoding, type SpawnSyncReturns, spawnSync } from 'node:child_process';
import { accessSync, constants as fsConstants, statSync } from 'node:fs';
import { constants } from 'node:os';
import { join } from 'node:path';
import { MiB } from '../binary/units.ts';
import { codeOf, reasonOf } from './errno.ts';
import { createPathMap, type PathMap } from './path-map.ts';
import type { ProgramOptions, ProgramResult, Programs } from './programs-interface.ts';

const usualFolders = ['/usr/local/sbin', '/usr/local/bin', '/usr/sbin', '/usr/bin', '/sbin', '/bin'];
const mostOutputBytes = 16 * MiB;
/** A timer takes no more. */
const longestMs = 2 ** 31 - 1;
const timedOut = 124;
const notThere = 127;

/** @param root folder in which programs are looked for as if it were `/`; they run on this machine all the same. */
export function createPrograms(root = '/'): Programs {
  const paths = createPathMap(root);
  return {
    find: (name) => findProgram(paths, name),
    run(argv, options = {}) {
      const found = argv[0] === undefined ? undefined : findProgram(paths, argv[0]);
      if (found === undefined) return notRun(argv[0] ?? '', 'there is no such program');
      return runProgram(paths.follow(found), argv, options);
    },
  };
}

function runProgram(place: string, [name, ...words]: readonly string[], options: ProgramOptions): ProgramResult {
  const { folder } = options;
  if (folder !== undefined && !isFolder(folder)) return notRun(name, `there is no folder "${folder}"`);
  try {
    const result = spawnSync(place, words, spawnOptions(options));
    const wasEnded = result.status === null && result.error !== undefined;
    if (wasEnded && !options.attached) killGroup(result.pid);
    return describe(name, result);
  } catch (cause) {
    return notRun(name, reasonOf(cause));
  }
}

function spawnOptions(options: ProgramOptions): SpawnSyncOptionsWithBufferEncoding {
  const { timeoutMs = 60_000, input, environment, folder, attached = false } = options;
  const base = {
    timeout: Math.max(1, Math.min(Math.ceil(timeoutMs), longestMs)),
    killSignal: 'SIGKILL' as const,
    maxBuffer: mostOutputBytes,
    cwd: folder,
    env: { ...process.env, ...environment },
  };
  if (attached) return { ...base, stdio: input === undefined ? 'inherit' : ['pipe', 'inherit', 'inherit'], input };
  // Both runtimes hand this on to setsid(2) here too, which their types do not say.
  const ownSession: { detached: boolean } = { detached: true };
  return { ...base, ...ownSession, input: input ?? '', stdio: 'pipe' };
}

/** Its leader was killed and reaped already; the group lives as long as one of its members does. */
function killGroup(pid: number): void {
  if (!(pid > 1)) return;
  try {
    process.kill(-pid, 'SIGKILL');
  } catch {}
}

/** A program that ended by itself has a status, even when something it left behind kept its output open until the time was over. */
function describe(name: string, result: SpawnSyncReturns<Buffer>): ProgramResult {
  const stdout = result.stdout?.toString('utf8') ?? '';
  const stderr = result.stderr?.toString('utf8') ?? '';
  const { status, signal, error } = result;
  if (status !== null) return { status, stdout, stderr };
  const code = codeOf(error);
  if (code === 'ETIMEDOUT') return { status: timedOut, stdout, stderr };
  if (signal === null) return notRun(name, reasonOf(error));
  const said = code === 'ENOBUFS' ? `${stderr}\nEnded "${name}": more than ${mostOutputBytes} bytes of output` : stderr;
  return { status: 128 + constants.signals[signal], stdout, stderr: said };
}

function notRun(name: string, reason: string): ProgramResult {
  return { status: notThere, stdout: '', stderr: `Cannot run "${name}": ${reason}` };
}

/** A name with a slash is a path and is not looked for. */
function findProgram(paths: PathMap, name: string): string | undefined {
  if (name.startsWith('/')) return isProgram(paths.follow(name)) ? name : undefined;
  if (name === '' || name.includes('/') || name.includes('\0')) return undefined;
  const folders = [...(process.env.PATH ?? '').split(':').filter((folder) => folder.startsWith('/')), ...usualFolders];
  return folders.map((folder) => join(folder, name)).find((path) => isProgram(paths.follow(path)));
}

function isProgram(place: string): boolean {
  try {
    accessSync(place, fsConstants.X_OK);
    return statSync(place).isFile();
  } catch {
    return false;
  }
}

function isFolder(place: string): boolean {
  return statSync(place, { throwIfNoEntry: false })?.isDirectory() === true;
}
