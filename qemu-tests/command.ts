/** Runs a program of the host to its end, by argument vector, with a time limit; a failure says what it printed. */
import { spawnSync } from 'node:child_process';

export type CommandOptions = {
  readonly cwd?: string;
  readonly env?: Readonly<Record<string, string>>;
  readonly input?: string;
  /** Default: ten minutes. */
  readonly timeoutMs?: number;
};

export type CommandResult = { readonly status: number; readonly stdout: string; readonly stderr: string };

/**
 * Runs a program and gives what it printed, whatever its exit status.
 * @throws Error when it could not be started, was killed or ran out of time.
 */
export function tryCommand(argv: readonly string[], options: CommandOptions = {}): CommandResult {
  const timeout = options.timeoutMs ?? 600_000;
  const result = spawnSync(argv[0], argv.slice(1), {
    cwd: options.cwd,
    env: { ...process.env, LC_ALL: 'C', ...options.env },
    input: options.input ?? '',
    encoding: 'utf8',
    maxBuffer: 512 * 1024 * 1024,
    timeout,
    killSignal: 'SIGKILL',
  });
  if (result.error !== undefined) throw new Error(`Cannot run ${argv.join(' ')}: ${result.error.message}`);
  if (result.status === null) throw new Error(`Cannot run ${argv.join(' ')}: ended by ${result.signal}\n${result.stdout}${result.stderr}`);
  return { status: result.status, stdout: result.stdout, stderr: result.stderr };
}

/**
 * Runs a program that must succeed, and gives its standard output.
 * @throws Error with both outputs' tails when its exit status is not 0.
 */
export function command(argv: readonly string[], options: CommandOptions = {}): string {
  const result = tryCommand(argv, options);
  if (result.status === 0) return result.stdout;
  const printed = `${result.stdout.slice(-2000)}${result.stderr.slice(-2000)}`.trim();
  throw new Error(`Cannot run ${argv.join(' ')}: exit status ${result.status}, expected 0\n${printed}`);
}
