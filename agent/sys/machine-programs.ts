/**
 * Other programs, started by argument vector and waited for. Each gets a session of its own, so that with it, when its time is over, all that
 * it started can be killed; one that talks to our terminal stays in our session, or it could not read what is typed.
 */
import { spawnSync, type SpawnSyncOptionsWithBufferEncoding, type SpawnSyncReturns } from 'node:child_process';
import { accessSync, constants as fsConstants, statSync } from 'node:fs';
import { constants } from 'node:os';
import { join } from 'node:path';
import { MiB } from '../binary/units.ts';
import { codeOf, reasonOf } from './errno.ts';
import type { ProgramOptions, ProgramResult, Programs } from './programs-interface.ts';

const usualFolders = ['/usr/local/sbin', '/usr/local/bin', '/usr/sbin', '/usr/bin', '/sbin', '/bin'];
const mostOutputBytes = 16 * MiB;
/** A timer takes no more. */
const longestMs = 2 ** 31 - 1;
const timedOut = 124;
const notThere = 127;

export function createPrograms(): Programs {
  return { run: runProgram, find: findProgram };
}

function runProgram(argv: readonly string[], options: ProgramOptions = {}): ProgramResult {
  const program = argv[0] === undefined ? undefined : findProgram(argv[0]);
  if (program === undefined) return { status: notThere, stdout: '', stderr: `Cannot run "${argv[0] ?? ''}": there is no such program` };
  try {
    const result = spawnSync(program, argv.slice(1), spawnOptions(options));
    if (!options.attached && result.error !== undefined) killGroup(result.pid);
    return describe(program, result);
  } catch (cause) {
    return { status: notThere, stdout: '', stderr: `Cannot run "${program}": ${reasonOf(cause)}` };
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
  if (attached) return { ...base, stdio: 'inherit' };
  // Both runtimes hand `detached` on to setsid(2) here too, which their types do not say.
  const detached: { detached: boolean } = { detached: true };
  return { ...base, ...detached, input: input ?? '', stdio: 'pipe' };
}

/** Its leader was killed and reaped already; the group lives as long as one of its members does. */
function killGroup(pid: number): void {
  if (!(pid > 1)) return;
  try {
    process.kill(-pid, 'SIGKILL');
  } catch {}
}

function describe(program: string, result: SpawnSyncReturns<Buffer>): ProgramResult {
  const stdout = result.stdout?.toString('utf8') ?? '';
  const stderr = result.stderr?.toString('utf8') ?? '';
  const code = codeOf(result.error);
  if (code === 'ETIMEDOUT') return { status: timedOut, stdout, stderr };
  if (code === 'ENOBUFS')
    return { status: 128 + constants.signals.SIGKILL, stdout, stderr: `${stderr}\n"${program}" was ended: it wrote too much` };
  if (result.error !== undefined && result.status === null && result.signal === null)
    return { status: notThere, stdout, stderr: `Cannot run "${program}": ${reasonOf(result.error)}` };
  return { status: result.status ?? 128 + (result.signal === null ? 0 : constants.signals[result.signal]), stdout, stderr };
}

/** A name with a slash is a path and is not looked for. */
function findProgram(name: string): string | undefined {
  if (name.includes('/')) return isProgram(name) ? name : undefined;
  if (name === '') return undefined;
  const folders = [...(process.env.PATH ?? '').split(':').filter((folder) => folder.startsWith('/')), ...usualFolders];
  return folders.map((folder) => join(folder, name)).find(isProgram);
}

function isProgram(path: string): boolean {
  try {
    accessSync(path, fsConstants.X_OK);
    return statSync(path).isFile();
  } catch {
    return false;
  }
}
