/** Runs a program to its end by Node's own means, for tests: it waits for all who hold the program's output open, and gives the program sockets. */
import { spawnSync } from 'node:child_process';
import { constants } from 'node:os';
import { codeOf } from '../sys/errno.ts';
import type { RunRequest, RunResult } from '../sys/machine-programs.ts';

export function runByNode({ place, argv, environment, folder, input, attached, timeoutMs, mostOutputBytes }: RunRequest): RunResult {
  // Node hands `detached` on to setsid(2) here too, which its types do not say.
  const ownSession: { detached: boolean } = { detached: !attached };
  const { status, signal, error, pid, stdout, stderr } = spawnSync(place, argv.slice(1), {
    ...ownSession,
    argv0: argv[0],
    cwd: folder,
    env: Object.fromEntries(environment.map((word) => [word.slice(0, word.indexOf('=')), word.slice(word.indexOf('=') + 1)])),
    input,
    stdio: attached ? 'inherit' : 'pipe',
    timeout: timeoutMs,
    killSignal: 'SIGKILL',
    maxBuffer: mostOutputBytes,
  });
  const output = { stdout: stdout ?? new Uint8Array(), stderr: stderr ?? new Uint8Array() };
  // A program that ended by itself has a status, even when something it left behind kept its output open until the time was over.
  if (status !== null) return { status, ended: undefined, ...output };
  const code = codeOf(error);
  if (signal === null) throw error;
  if (code !== '' && !attached) killGroup(pid);
  const ended = code === 'ETIMEDOUT' ? 'time' : code === 'ENOBUFS' ? 'output' : undefined;
  return { status: 128 + constants.signals[signal], ended, ...output };
}

/** Its leader was killed and reaped already; the group lives as long as one of its members does. */
function killGroup(pid: number): void {
  try {
    process.kill(-pid, 'SIGKILL');
  } catch {}
}
