/**
 * Debian packages of any suite, downloaded and unpacked beside the system, never installed.
 *
 * The machine's own archive and keyring are used with the suite's name changed; apt keeps a separate state folder for each suite, with an
 * empty list of installed packages, so that apt's resolver names every library a program needs.
 */
import { existsSync, mkdirSync, readdirSync, statSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { archiveAddress, archiveKeyring } from './archive.ts';
import { cached, cacheFolder } from './cache.ts';
import { command } from './command.ts';

const listAgeMs = 24 * 3600 * 1000;
const freshSuites = new Map<string, readonly string[]>();

/** apt's options for one suite; its package lists are fetched when they are older than a day. */
function aptOptions(suite: string): readonly string[] {
  const known = freshSuites.get(suite);
  if (known !== undefined) return known;
  const state = join(cacheFolder, 'apt', suite);
  for (const folder of ['lists/partial', 'archives/partial']) mkdirSync(join(state, folder), { recursive: true });
  writeFileSync(join(state, 'sources.list'), `deb [signed-by=${archiveKeyring}] ${archiveAddress()} ${suite} main\n`);
  writeFileSync(join(state, 'status'), '');
  const settings = {
    'Dir::State::lists': join(state, 'lists'),
    'Dir::State::status': join(state, 'status'),
    'Dir::Cache': state,
    'Dir::Cache::archives': join(state, 'archives'),
    'Dir::Etc::sourcelist': join(state, 'sources.list'),
    'Dir::Etc::sourceparts': '-',
    'APT::Architecture': 'amd64',
    'APT::Sandbox::User': 'root',
    'Acquire::Languages': 'none',
    'Acquire::Retries': '3',
  };
  const options = Object.entries(settings).flatMap(([key, value]) => ['-o', `${key}=${value}`]);
  const stamp = join(state, 'updated');
  if (!existsSync(stamp) || Date.now() - statSync(stamp).mtimeMs > listAgeMs) {
    command(['apt-get', ...options, 'update']);
    writeFileSync(stamp, '');
  }
  freshSuites.set(suite, options);
  return options;
}

export type Package = { readonly name: string; readonly version: string };

/** A package and all it depends on in a suite, as apt's resolver sees it, newest versions. */
export function resolve(suite: string, name: string): readonly Package[] {
  const plan = command(['apt-get', ...aptOptions(suite), '--simulate', '--no-install-recommends', 'install', name]);
  return [...plan.matchAll(/^Inst (\S+) \((\S+)/gm)].map((match) => ({ name: match[1], version: match[2] }));
}

/** The folder into which a package's files were unpacked. Older versions of it stay in the cache beside it. */
export function unpacked(suite: string, { name, version }: Package): string {
  return cached(`unpacked/${suite}/${name}_${version.replace(/[^A-Za-z0-9.+~-]/g, '_')}`, (folder) => {
    command(['dpkg-deb', '-x', download(suite, { name, version }), folder]);
    if (!existsSync(join(folder, 'lib')) && existsSync(join(folder, 'usr/lib'))) symlinkSync('usr/lib', join(folder, 'lib'));
  });
}

/** The path of a package's downloaded archive. */
export function download(suite: string, { name, version }: Package): string {
  const folder = cached(`debs/${suite}/${name}_${version.replace(/[^A-Za-z0-9.+~-]/g, '_')}`, (path) => {
    mkdirSync(path);
    command(['apt-get', ...aptOptions(suite), 'download', `${name}=${version}`], { cwd: path, timeoutMs: 900_000 });
  });
  return join(folder, readdirSync(folder)[0]);
}

/** One file out of a package too large to unpack whole. @param path Where the package keeps it, without the leading slash. */
export function oneFile(suite: string, row: Package, path: string): string {
  const folder = cached(`files/${suite}/${row.name}_${row.version}`, (target) => {
    mkdirSync(target);
    command(['sh', '-c', 'dpkg-deb --fsys-tarfile "$1" | tar -x -f - -C "$2" "./$3"', 'sh', download(suite, row), target, path]);
  });
  return join(folder, path);
}
