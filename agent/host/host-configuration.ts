/** The configuration of the machine this runs on: the first of the files that is there, or what holds when there is none. */
import { createProblem } from '../config/problem.ts';
import { type Reading, readConfiguration } from '../config/read-configuration.ts';
import type { System } from '../sys/system.ts';
import { hostPaths } from './paths.ts';

/**
 * Never throws. `configuration.source` names the file; `undefined`: there is none and the defaults hold. A file that may not be read is a problem, and the
 * defaults hold too: another file would be the wrong one.
 */
export function readHostConfiguration({ files }: Pick<System, 'files'>): Reading {
  const path = hostPaths.configurations.find((candidate) => files.status(candidate) !== undefined);
  if (path === undefined) return readConfiguration('', undefined);
  const text = files.readTextIfThere(path);
  if (text !== undefined) return readConfiguration(text, path);
  const { configuration } = readConfiguration('', undefined);
  return { configuration, problems: [createProblem(0, 'error', `Cannot read "${path}": the defaults are shown instead`, 'Ask as root')] };
}
