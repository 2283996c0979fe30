/** All files below a folder. */
import { existsSync, readdirSync } from 'node:fs';
import { join, relative } from 'node:path';

/** Paths relative to the folder, sorted; none when there is no folder. */
export function filesBelow(folder: string): readonly string[] {
  if (!existsSync(folder)) return [];
  return readdirSync(folder, { recursive: true, withFileTypes: true })
    .filter((entry) => !entry.isDirectory())
    .map((entry) => relative(folder, join(entry.parentPath, entry.name)))
    .sort();
}
