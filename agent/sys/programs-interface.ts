/** Other programs: started by argument vector, never through a shell, always with a limit. */

export type ProgramOptions = {
  /** Default 60,000. When it is over the program is killed, and with it, unless it is attached, all that it started in its session. */
  readonly timeoutMs?: number;
  readonly input?: string | Uint8Array;
  /** Added to the environment; the value `undefined` takes a word out. */
  readonly environment?: Readonly<Record<string, string | undefined>>;
  readonly folder?: string;
  /** True: the program talks to our own terminal or console; `stdout` and `stderr` are empty. */
  readonly attached?: boolean;
};

export type ProgramResult = {
  /** Exit status; 128 + signal number when a signal ended it; 127 when it is not there, 124 when the time was over. */
  readonly status: number;
  readonly stdout: string;
  readonly stderr: string;
};

export interface Programs {
  /** Waits for its end. Never throws. A program that writes more than 16 MiB is killed, and `stderr` says so. */
  run(argv: readonly string[], options?: ProgramOptions): ProgramResult;
  /** Absolute path of a program in PATH and the usual folders (sbin included, whatever PATH says); `undefined`: not there. */
  find(name: string): string | undefined;
}
