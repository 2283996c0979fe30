/**
 * Builds the executable: type check → native libraries → two JavaScript files → `dist/kcapture`.
 *
 *     bun build.ts                  for this machine
 *     bun build.ts --arch arm64     `dist/kcapture-arm64`, on any machine
 *     bun build.ts --libraries      only `agent/sys/native`, for running the sources
 *     bun build.ts --entry FILE --out NAME --no-check
 *
 * The libraries are Debian's own, taken from this system where it has them, new enough and of the wanted kind, else from its package archive.
 */
import { spawnSync } from 'node:child_process';
import {
  copyFileSync,
  existsSync,
  globSync,
  mkdirSync,
  readFileSync,
  realpathSync,
  renameSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import { join, resolve } from 'node:path';
import { parseArgs } from 'node:util';
import { build, type PluginBuild } from 'esbuild';
import { archiveAddress, archiveKeyring } from './qemu-tests/archive.ts';

type Architecture = {
  /** Debian's name. */
  readonly debian: string;
  readonly triplet: string;
  /** e_machine of its ELF files. */
  readonly elfMachine: number;
  /** Bun's compile target, and the npm package that holds that Bun. */
  readonly bunTarget: string;
  readonly bunPackage: string;
};

const architectures: Readonly<Record<string, Architecture>> = {
  x64: {
    debian: 'amd64',
    triplet: 'x86_64-linux-gnu',
    elfMachine: 62,
    bunTarget: 'bun-linux-x64',
    bunPackage: '@oven/bun-linux-x64',
  },
  arm64: {
    debian: 'arm64',
    triplet: 'aarch64-linux-gnu',
    elfMachine: 183,
    bunTarget: 'bun-linux-arm64',
    bunPackage: '@oven/bun-linux-aarch64',
  },
};

type Library = {
  /** Debian's name. */
  readonly package: string;
  /** The library's own name in it. */
  readonly file: string;
  /** An older one is replaced by that of a suite of Debian. */
  readonly newer?: { readonly least: readonly number[]; readonly suite: string };
};

/**
 * By embedded name. liblzo2 is not here: its licence keeps it out. zstd 1.5.7 compresses pages by a tenth faster than 1.5.4 to the same bytes
 * (measured at level −1; at 1 by a twentieth).
 */
const libraries: Readonly<Record<string, Library>> = {
  'libzstd.so': { package: 'libzstd1', file: 'libzstd.so.1', newer: { least: [1, 5, 7], suite: 'trixie' } },
  'libdeflate.so': { package: 'libdeflate0', file: 'libdeflate.so.0' },
  'libsnappy.so': { package: 'libsnappy1v5', file: 'libsnappy.so.1' },
  'libstdc++.so': { package: 'libstdc++6', file: 'libstdc++.so.6' },
  'libgcc_s.so': { package: 'libgcc-s1', file: 'libgcc_s.so.1' },
};

const { values: options } = parseArgs({
  options: {
    arch: { type: 'string', default: process.arch },
    entry: { type: 'string', default: 'agent/main.ts' },
    out: { type: 'string' },
    libraries: { type: 'boolean', default: false },
    'no-check': { type: 'boolean', default: false },
  },
});
const root = import.meta.dirname;
process.chdir(root);
const target = architectures[options.arch];
if (target === undefined) throw new Error(`Cannot build for "${options.arch}": expected ${Object.keys(architectures).join(' or ')}`);
const isNative = options.arch === process.arch;
if (options.libraries) {
  collectLibraries(target, 'agent/sys/native');
  process.exit(0);
}
const outfile = resolve('dist', options.out ?? (isNative ? 'kcapture' : `kcapture-${options.arch}`));
const folder = resolve('dist/build', `${options.arch}-${process.pid}`);

try {
  if (!options['no-check']) run('node_modules/.bin/tsc', []);
  collectLibraries(target, join(folder, 'native'));
  if (isNative) collectLibraries(target, 'agent/sys/native');
  await bundle(options.entry, folder);
  compile(folder, outfile);
} finally {
  rmSync(folder, { recursive: true, force: true });
}
const megabytes = (statSync(outfile).size / 1e6).toFixed(1);
console.log(`${outfile.slice(root.length + 1)}: ${megabytes} MB, ${target.triplet}`);

/** One file of JavaScript for each program; the libraries stay imports, for Bun to embed. */
async function bundle(entry: string, outdir: string): Promise<void> {
  const { version } = JSON.parse(readFileSync('package.json', 'utf8'));
  const commit = spawnSync('git', ['log', '-1', '--format=%h %cI'], { encoding: 'utf8' }).stdout?.trim() || 'unknown unknown';
  const [hash, date] = commit.split(' ');
  await build({
    entryPoints: { main: entry, 'page-worker': 'agent/page-worker.ts' },
    outdir,
    bundle: true,
    format: 'esm',
    platform: 'node',
    target: 'esnext',
    external: ['bun:*', '*.so'],
    define: {
      KCAPTURE_VERSION: JSON.stringify(version),
      KCAPTURE_COMMIT: JSON.stringify(hash),
      KCAPTURE_DATE: JSON.stringify(date),
      // Bun would put the folder of this build there.
      __dirname: JSON.stringify('/'),
      __filename: JSON.stringify('/main.js'),
    },
    banner: { js: "import { createRequire as kcaptureRequire } from 'node:module'; const require = kcaptureRequire(import.meta.url);" },
    sourcemap: false,
    logLevel: 'warning',
    plugins: [{ name: 'left-out', setup: leaveOut }],
  });
}

/** Packages look for these and do without: machine code from the machine that builds would make the program differ. */
function leaveOut({ onResolve, onLoad }: PluginBuild): void {
  onResolve({ filter: /^cpu-features$|\.node$/ }, ({ path }) => ({ path, namespace: 'left-out' }));
  onLoad({ filter: /.*/, namespace: 'left-out' }, ({ path }) => ({
    contents: `throw new Error(${JSON.stringify(`${path} is left out`)})`,
    loader: 'js',
  }));
}

/**
 * Never strip what comes out: the program stands behind the end of Bun's own ELF file, and strip cuts it off. The names given to Bun
 * become part of the file; they are always the same, so that the same sources give the same bytes.
 */
function compile(source: string, out: string): void {
  const compiled = join(source, 'kcapture');
  // Bytecode: 3 MB more of a squashfs, and half the time from exec to the first page (130 ms → 65 ms, measured).
  const flags = ['--bytecode', '--format=esm', '--no-compile-autoload-dotenv', '--no-compile-autoload-bunfig'];
  if (!isNative) flags.push(`--target=${target.bunTarget}`, `--compile-executable-path=${foreignBun(target)}`);
  run(process.execPath, ['build', '--compile', ...flags, 'main.js', 'page-worker.js', '--outfile', compiled], source);
  renameSync(compiled, out);
}

/** Bun for the other architecture, of this Bun's version, from the package registry npm is set up for. */
function foreignBun({ bunPackage }: Architecture): string {
  const cache = resolve('dist/cache/bun', `${bunPackage.split('/')[1]}-${Bun.version}`);
  const program = join(cache, 'package/bin/bun');
  if (existsSync(program)) return program;
  mkdirSync(cache, { recursive: true });
  run('npm', ['pack', '--silent', `${bunPackage}@${Bun.version}`, '--pack-destination', cache]);
  run('tar', ['-xzf', globSync(join(cache, '*.tgz'))[0], '-C', cache]);
  return program;
}

function collectLibraries(architecture: Architecture, into: string): void {
  mkdirSync(into, { recursive: true });
  for (const [name, library] of Object.entries(libraries)) {
    const from = findLibrary(architecture, library);
    const machine = readFileSync(from).readUInt16LE(18);
    if (machine !== architecture.elfMachine)
      throw new Error(`Cannot use "${from}": ELF machine ${machine}, expected ${architecture.elfMachine}`);
    copyFileSync(from, join(into, name));
  }
}

function findLibrary(architecture: Architecture, library: Library): string {
  const { newer } = library;
  const own = systemLibrary(architecture, library) ?? archiveLibrary(architecture, library, undefined);
  if (newer === undefined || isAtLeast(own, newer.least)) return own;
  try {
    return archiveLibrary(architecture, library, newer.suite);
  } catch (error) {
    console.warn(`${own} is older than ${newer.least.join('.')} and slower; it is taken all the same: ${(error as Error).message}`);
    return own;
  }
}

/** By the name of the file behind the links: `libzstd.so.1.5.7`. */
function isAtLeast(path: string, least: readonly number[]): boolean {
  const found = /\.so\.([\d.]+)$/.exec(realpathSync(path))?.[1].split('.').map(Number) ?? [];
  const at = least.findIndex((part, index) => (found[index] ?? 0) !== part);
  return at < 0 || (found[at] ?? 0) > least[at];
}

function systemLibrary({ triplet }: Architecture, { file }: Library): string | undefined {
  return [`/usr/lib/${triplet}/${file}`, `/lib/${triplet}/${file}`].find((path) => existsSync(path));
}

/** Takes a library out of its Debian package, which is downloaded once. @param suite another than this machine's own */
function archiveLibrary(architecture: Architecture, { package: name, file }: Library, suite: string | undefined): string {
  const cache = resolve('dist/cache/debian', architecture.debian, suite ?? 'own');
  const unpacked = join(cache, name);
  const find = () => globSync(`{usr/lib,lib}/${architecture.triplet}/${file}`, { cwd: unpacked })[0];
  if (find() === undefined) {
    const apt = aptOptions(cache, architecture.debian, suite);
    if (!existsSync(join(cache, 'updated'))) {
      run('apt-get', [...apt, 'update'], cache);
      mkdirSync(join(cache, 'updated'));
    }
    run('apt-get', [...apt, 'download', name], cache);
    run('dpkg-deb', ['-x', globSync(join(cache, `${name}_*.deb`))[0], unpacked]);
  }
  const found = find();
  if (found === undefined) throw new Error(`Cannot find ${file} in the Debian package ${name} for ${architecture.debian}`);
  return join(unpacked, found);
}

/** This machine's package sources, or their archive's `suite`, with lists and caches of their own: nothing of the system is changed. */
function aptOptions(cache: string, debian: string, suite: string | undefined): string[] {
  for (const part of ['state/lists/partial', 'cache/archives/partial']) mkdirSync(join(cache, part), { recursive: true });
  const settings = {
    'APT::Architecture': debian,
    'APT::Architectures': debian,
    'APT::Sandbox::User': 'root',
    'Dir::State': join(cache, 'state'),
    'Dir::State::status': '/dev/null',
    'Dir::Cache': join(cache, 'cache'),
    'Acquire::Languages': 'none',
    ...(suite === undefined ? {} : onlySuite(cache, suite)),
  };
  return ['-q', ...Object.entries(settings).flatMap(([name, value]) => ['-o', `${name}=${value}`])];
}

function onlySuite(cache: string, suite: string): Record<string, string> {
  const list = join(cache, 'sources.list');
  writeFileSync(list, `deb [signed-by=${archiveKeyring}] ${archiveAddress()} ${suite} main\n`);
  return { 'Dir::Etc::sourcelist': list, 'Dir::Etc::sourceparts': '-' };
}

function run(program: string, words: readonly string[], cwd = root): void {
  const result = spawnSync(program, words, { cwd, encoding: 'utf8', stdio: ['ignore', 'pipe', 'pipe'] });
  if (result.status === 0) return;
  const said = `${result.stdout ?? ''}${result.stderr ?? ''}${result.error?.message ?? ''}`;
  throw new Error(`Cannot run ${[program, ...words].join(' ')}: status ${result.status}\n${said}`);
}
