/**
 * A program of another Debian suite, run with its own libraries through its own dynamic loader, so that neither has to fit this system.
 *
 * The package and all it needs are unpacked over each other into one folder of the cache.
 */
import { existsSync, mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { cached, fingerprint } from './cache.ts';
import { command } from './command.ts';
import { download, resolve } from './packages.ts';

const libraryFolder = 'usr/lib/x86_64-linux-gnu';

export type ForeignProgram = {
  /** The words that start the program; its own arguments are appended to them. */
  readonly argv: readonly string[];
  /** The folder everything was unpacked into. */
  readonly root: string;
};

/**
 * @param wanted Which of the packages apt's resolver names are needed to run it.
 * @param path Where a package keeps the program, e.g. `usr/bin/crash`.
 */
export function foreignProgram(suite: string, packageName: string, path: string, wanted = /^(lib|zlib)(?!perl)/): ForeignProgram {
  const needed = resolve(suite, packageName).filter(({ name }) => name === packageName || wanted.test(name));
  const key = fingerprint(
    [],
    needed.map(({ name, version }) => `${name}_${version}`),
  );
  const root = cached(`programs/${suite}-${packageName}-${key}`, (folder) => {
    mkdirSync(folder);
    for (const row of needed) command(['dpkg-deb', '-x', download(suite, row), folder]);
  });
  const [loader, program] = [join(root, libraryFolder, 'ld-linux-x86-64.so.2'), join(root, path)];
  if (!existsSync(loader) || !existsSync(program))
    throw new Error(`Cannot set up ${packageName} of ${suite}: ${path} or its loader is missing`);
  return { argv: [loader, '--library-path', join(root, libraryFolder), program], root };
}
