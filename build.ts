/**
 * Builds the executable: type check → native libraries → one JavaScript file → `dist/kcapture`.
 *
 *     bun build.ts                  for this machine
 *     bun build.ts --arch arm64     `dist/kcapture-arm64`, on any machine
 *     bun build.ts --libraries      only `agent/sys/native`, for running the sources
 *     bun build.ts --entry FILE --out NAME --no-check
 *
 * The libraries are Debian's own, taken from this system where it has them and is of the wanted kind, else from its package archive.
 */
import { spawnSync } from 'node:child_process';
import { copyFileSync, existsSync, globSync, mkdirSync, readFileSync, renameSync, rmSync, statSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { parseArgs } from 'node:util';
import { build, type PluginBuild } from 'esbuild';

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

/** Embedded name → Debian package and the library's own name in it. liblzo2 is not here: its licence keeps it out. */
const libraries = {
  'libzstd.so': { package: 'libzstd1', file: 'libzstd.so.1' },
  'libdeflate.so': { package: 'libdeflate0', file: 'libdeflate.so.0' },
  'libsnappy.so': { package: 'libsnappy1v5', file: 'libsnappy.so.1' },
  'libstdc++.so': { package: 'libstdc++6', file: 'libstdc++.so.6' },
  'libgcc_s.so': { package: 'libgcc-s1', file: 'libgcc_s.so.1' },
} as const;

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

/** One file of JavaScript; the libraries stay imports, for Bun to embed. */
async function bundle(entry: string, outdir: string): Promise<void> {
  const { version } = JSON.parse(readFileSync('package.json', 'utf8'));
  const commit = spawnSync('git', ['log', '-1', '--format=%h %cI'], { encoding: 'utf8' }).stdout?.trim() || 'unknown unknown';
  const [hash, date] = commit.split(' ');
  await build({
    entryPoints: [entry],
    outfile: join(outdir, 'main.js'),
    bundle: true,
    format: 'esm',
    platform: 'node',
    target: 'esnext',
    external: ['bun:*', '*.so'],
    define: {
      KCAPTURE_VERSION: JSON.stringify(version),
      KCAPTURE_COMMIT: JSON.stringify(hash),
      KCAPTURE_DATE: JSON.stringify(date),
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
  const flags = ['--no-compile-autoload-dotenv', '--no-compile-autoload-bunfig'];
  if (!isNative) flags.push(`--target=${target.bunTarget}`, `--compile-executable-path=${foreignBun(target)}`);
  run(process.execPath, ['build', '--compile', ...flags, 'main.js', '--outfile', compiled], source);
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
  for (const [name, { package: debianPackage, file }] of Object.entries(libraries)) {
    const from = systemLibrary(architecture, file) ?? archiveLibrary(architecture, debianPackage, file);
    const machine = readFileSync(from).readUInt16LE(18);
    if (machine !== architecture.elfMachine)
      throw new Error(`Cannot use "${from}": ELF machine ${machine}, expected ${architecture.elfMachine}`);
    copyFileSync(from, join(into, name));
  }
}

function systemLibrary({ triplet }: Architecture, file: string): string | undefined {
  return [`/usr/lib/${triplet}/${file}`, `/lib/${triplet}/${file}`].find((path) => existsSync(path));
}

/** Takes a library out of its Debian package, which is downloaded once. */
function archiveLibrary(architecture: Architecture, debianPackage: string, file: string): string {
  const cache = resolve('dist/cache/debian', architecture.debian);
  const unpacked = join(cache, debianPackage);
  const find = () => globSync(`{usr/lib,lib}/${architecture.triplet}/${file}`, { cwd: unpacked })[0];
  if (find() === undefined) {
    const apt = aptOptions(cache, architecture.debian);
    if (!existsSync(join(cache, 'updated'))) {
      run('apt-get', [...apt, 'update'], cache);
      mkdirSync(join(cache, 'updated'));
    }
    run('apt-get', [...apt, 'download', debianPackage], cache);
    run('dpkg-deb', ['-x', globSync(join(cache, `${debianPackage}_*.deb`))[0], unpacked]);
  }
  const found = find();
  if (found === undefined) throw new Error(`Cannot find ${file} in the Debian package ${debianPackage} for ${architecture.debian}`);
  return join(unpacked, found);
}

/** This machine's package sources, with lists and caches of their own: nothing of the system is changed. */
function aptOptions(cache: string, debian: string): string[] {
  for (const part of ['state/lists/partial', 'cache/archives/partial']) mkdirSync(join(cache, part), { recursive: true });
  const settings = {
    'APT::Architecture': debian,
    'APT::Architectures': debian,
    'APT::Sandbox::User': 'root',
    'Dir::State': join(cache, 'state'),
    'Dir::State::status': '/dev/null',
    'Dir::Cache': join(cache, 'cache'),
    'Acquire::Languages': 'none',
  };
  return ['-q', ...Object.entries(settings).flatMap(([name, value]) => ['-o', `${name}=${value}`])];
}

function run(program: string, words: readonly string[], cwd = root): void {
  const result = spawnSync(program, words, { cwd, encoding: 'utf8', stdio: ['ignore', 'pipe', 'pipe'] });
  if (result.status === 0) return;
  const said = `${result.stdout ?? ''}${result.stderr ?? ''}${result.error?.message ?? ''}`;
  throw new Error(`Cannot run ${[program, ...words].join(' ')}: status ${result.status}\n${said}`);
}
