/** The configuration of the machine this runs on: the first of the files that is there, or what holds when there is none. */
import { type Reading, readConfiguration } from '../config/read-configuration.ts';
import type { System } from '../sys/system.ts';
import { hostPaths } from './paths.ts';

/** Never throws. `configuration.source` names the file; `undefined`: there is none (or it may not be read) and the defaults hold. */
export function readHostConfiguration({ files }: Pick<System, 'files'>): Reading {
  for (const path of hostPaths.configurations) {
    const text = files.readTextIfThere(path);
    if (text !== undefined) return readConfiguration(text, path);
  }
  return readConfiguration('', undefined);
}
