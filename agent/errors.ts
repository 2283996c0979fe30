/**
 * The one error every room throws, and the table of exit codes it leads to.
 *
 * A message reads `Cannot <verb> <what> at <where>: <found>, expected <wanted>`, capital first, no full stop. Each room
 * has one subclass with its own list of codes. Only `main` and the capture run catch broadly.
 */

export type ErrorDetails = {
  /** Where in the input the fault lies, e.g. `"/proc/vmcore" at 0xe8`. */
  readonly where?: string;
  /** What the person can do next. One imperative sentence. */
  readonly hint?: string;
  readonly cause?: unknown;
};

export class KcaptureError extends Error {
  /** Stable, machine-readable, `room/what-is-wrong`. */
  readonly code: string;
  readonly where: string | undefined;
  readonly hint: string | undefined;

  constructor(code: string, message: string, details: ErrorDetails = {}) {
    super(message, details.cause === undefined ? undefined : { cause: details.cause });
    this.name = new.target.name;
    this.code = code;
    this.where = details.where;
    this.hint = details.hint;
  }
}

/** The command line asks for something that makes no sense. */
export class UsageError extends KcaptureError {}

/** Exit codes of every `kcapture` command; `--help` prints this table. */
export const exitCodes = {
  0: 'done',
  1: 'failed; nothing that looks like a finished dump was left behind',
  2: 'the command line is wrong',
  3: 'a readable but incomplete dump was written and is marked as such',
  4: 'status: a crash would not be captured',
  5: 'status: a crash would be captured, but something needs attention',
} as const;

export type ExitCode = keyof typeof exitCodes;
