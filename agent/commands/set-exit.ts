import type { ExitCode } from '../errors.ts';

/** A command that did its work, but not all of it, says so by its exit code. */
export type SetExit = (code: ExitCode) => void;
