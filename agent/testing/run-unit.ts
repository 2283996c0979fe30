/**
 * Runs the unit tests: bundles every `*.test.ts` for Node with esbuild, then hands them to tap.
 *
 * `npm run unit` runs all; `npm run unit -- bitmap dmesg` those whose path contains one of the words.
 */
import { spawnSync } from 'node:child_process';
import { globSync, rmSync } from 'node:fs';
import { build } from 'esbuild';

/** Of one file. The longest takes a minute or two; on a machine that does much else it was seen to take five. */
const limitSeconds = 900;

const words = process.argv.slice(2);
const tests = globSync('{agent,qemu-tests}/**/*.test.ts').filter((path) => words.length === 0 || words.some((word) => path.includes(word)));
if (tests.length === 0) throw new Error(`Cannot run tests: no path contains ${words.join(' or ')}`);

const outdir = `dist/tests/${words.length === 0 ? 'all' : process.pid}`;
rmSync(outdir, { recursive: true, force: true });
await build({
  entryPoints: tests,
  outdir,
  outbase: '.',
  outExtension: { '.js': '.mjs' },
  bundle: true,
  format: 'esm',
  platform: 'node',
  target: 'node20',
  packages: 'external',
  external: ['bun:*', '*.so'],
  sourcemap: 'inline',
  logLevel: 'warning',
});
const built = tests.map((path) => `${outdir}/${path.replace(/\.ts$/, '.mjs')}`);
const reporter = process.env.KCAPTURE_TAP_REPORTER ?? 'terse';
const file = process.env.KCAPTURE_TAP_FILE;
const output = file === undefined ? [] : [`--output-file=${file}`];
const result = spawnSync(
  'node_modules/.bin/tap',
  ['--disable-coverage', `--timeout=${limitSeconds}`, ...output, `--reporter=${reporter}`, '--jobs=2', ...built],
  {
    stdio: 'inherit',
  },
);
if (words.length > 0) rmSync(outdir, { recursive: true, force: true });
process.exit(result.status ?? 1);
