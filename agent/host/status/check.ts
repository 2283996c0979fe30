/**
 * One line of the status: what was looked at, how it stands, and what to type next.
 *
 * `ok` and `note` need nothing. `warn`: a crash would be captured, but something needs attention. `fail`: it would not.
 */
import type { ExitCode } from '../../errors.ts';

export type Level = 'ok' | 'note' | 'warn' | 'fail';

export type Check = {
  readonly name: string;
  readonly level: Level;
  /** One sentence, without a full stop. May hold text from outside. */
  readonly text: string;
  /** The next command or edit; every `warn` and `fail` has one. */
  readonly hint?: string;
};

/** The exit code that monitoring looks at. */
export function statusExitCode(checks: readonly Check[]): ExitCode {
  if (checks.some(({ level }) => level === 'fail')) return 4;
  return checks.some(({ level }) => level === 'warn') ? 5 : 0;
}
