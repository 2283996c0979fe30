/**
 * A program of another Debian suite, run with its own libraries through its own dynamic loader, so that neither has to fit this system.
 */
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { resolve, unpacked } from './packages.ts';

const libraryFolder = 'usr/lib/x86_64-linux-gnu';

/**
 * The words that start the program; its own arguments are appended to them.
 * @param path Where the package keeps it, e.g. `usr/bin/crash`.
 */
export function foreignProgram(suite: string, packageName: string, path: string): readonly string[] {
  const needed = resolve(suite, packageName).filter(
    ({ name }) => name === packageName || (/^(lib|zlib)/.test(name) && !name.startsWith('libperl')),
  );
  const folders = needed.map((row) => ({ name: row.name, folder: unpacked(suite, row) }));
  const program = folders.map(({ folder }) => join(folder, path)).find((file) => existsSync(file));
  const loader = folders.map(({ folder }) => join(folder, libraryFolder, 'ld-linux-x86-64.so.2')).find((file) => existsSync(file));
  if (program === undefined || loader === undefined)
    throw new Error(`Cannot set up ${packageName} of ${suite}: ${path} or its loader is missing`);
  const libraries = folders.map(({ folder }) => join(folder, libraryFolder)).filter((folder) => existsSync(folder));
  return [loader, '--library-path', libraries.join(':'), program];
}
