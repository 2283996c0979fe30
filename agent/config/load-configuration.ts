/** Finds the configuration of this machine, or of this image, and reads it. */
import type { Files } from '../sys/files-interface.ts';
import { createProblem } from './problem.ts';
import { type Reading, readConfiguration } from './read-configuration.ts';

/** A configuration has some hundred lines; what is longer is not one. */
const maxBytes = 1 << 20;

/**
 * Reads the first of `paths` that is there; none: built-in defaults, `configuration.source` is `undefined`. Never throws: a file that is there and cannot be
 * read is an error among the problems.
 */
export function loadConfiguration(files: Files, paths: readonly string[]): Reading {
  const path = paths.find((each) => files.status(each) !== undefined);
  if (path === undefined) return readConfiguration('', undefined);
  const text = files.status(path)?.kind === 'file' ? files.readTextIfThere(path, maxBytes) : undefined;
  if (text !== undefined) return readConfiguration(text, path);
  const { configuration } = readConfiguration('', path);
  return { configuration, problems: [createProblem(0, 'error', `Cannot read "${path}": the defaults hold`, 'Check its permissions')] };
}
