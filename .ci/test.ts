/**
 * Every check of the repository, one after the other, and their sum as the last line: `N passed, N failed`.
 *
 * `bun .ci/test.ts` runs all; `bun .ci/test.ts unit` only the steps named. A step that fails does not keep the others from running, except that
 * nothing runs in a VM without an executable.
 */
import { spawnSync } from 'node:child_process';
import { existsSync, readFileSync, rmSync } from 'node:fs';

type Totals = { passed: number; failed: number };
type Step = { readonly name: string; readonly run: () => Totals };

const steps: readonly Step[] = [
  { name: 'check', run: () => command(['sh', '.ci/check']) },
  { name: 'build', run: () => command([process.execPath, 'build.ts']) },
  { name: 'unit', run: unit },
  { name: 'qemu', run: qemu },
];

const wanted = process.argv.slice(2);
const sum: Totals = { passed: 0, failed: 0 };
for (const step of steps) {
  if (wanted.length > 0 && !wanted.includes(step.name)) continue;
  const startedAt = Date.now();
  console.log(`\n== ${step.name}`);
  const { passed, failed } = step.run();
  sum.passed += passed;
  sum.failed += failed;
  console.log(`== ${step.name}: ${passed} passed, ${failed} failed in ${Math.round((Date.now() - startedAt) / 1000)} s`);
}
console.log(`\n${sum.passed} passed, ${sum.failed} failed`);
process.exit(sum.failed === 0 && sum.passed > 0 ? 0 : 1);

/** A command that counts as one check. */
function command(words: string[]): Totals {
  const { status } = spawnSync(words[0], words.slice(1), { stdio: 'inherit' });
  return status === 0 ? { passed: 1, failed: 0 } : { passed: 0, failed: 1 };
}

function unit(): Totals {
  const tap = 'dist/tests/unit.tap';
  rmSync(tap, { force: true });
  const { status } = spawnSync(process.execPath, ['agent/testing/run-unit.ts'], { stdio: 'inherit', env: { ...process.env, KCAPTURE_TAP_FILE: tap } });
  const summary = existsSync(tap) ? readFileSync(tap, 'utf8').match(/^# \{ total: \d+(?:, pass: (\d+))?(?:, fail: (\d+))?.*\}$/gm)?.at(-1) : undefined;
  const passed = Number(/pass: (\d+)/.exec(summary ?? '')?.[1] ?? 0);
  const failed = Number(/fail: (\d+)/.exec(summary ?? '')?.[1] ?? 0);
  return { passed, failed: failed === 0 && status !== 0 ? 1 : failed };
}

function qemu(): Totals {
  const summary = 'dist/qemu-summary.json';
  rmSync(summary, { force: true });
  if (!existsSync('dist/kcapture')) return { passed: 0, failed: 1 };
  const { status } = spawnSync(process.execPath, ['qemu-tests/run.ts', '--summary', summary], { stdio: 'inherit' });
  const totals: Totals = existsSync(summary) ? JSON.parse(readFileSync(summary, 'utf8')) : { passed: 0, failed: 1 };
  return totals.failed === 0 && status !== 0 ? { ...totals, failed: 1 } : totals;
}
