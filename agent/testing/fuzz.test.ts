/**
 * Random damage to real inputs, and whole commands run on it: in this process, and in the built executable with its native codecs.
 *
 * `KCAPTURE_FUZZ_SEED` is the number of the first case (default 1); a case's own number with `KCAPTURE_FUZZ_ITERATIONS=1` repeats that case.
 * `KCAPTURE_FUZZ_ITERATIONS` and `KCAPTURE_FUZZ_SECONDS` bound each of the two parts. The files of a case that fails stay in `dist/fuzz`.
 */
import { spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import t from 'tap';
import { buildFuzzInputs, buildZipInput, type FuzzCase, type FuzzInput, makeCase } from './fuzz.ts';
import { judgeDumps, judgeRun, judgeText } from './hostile-run.ts';
import { createMemorySystem, type MemorySystem } from './memory-system.ts';
import { createNodeSystem } from './node-system.ts';

const seed = Number(process.env.KCAPTURE_FUZZ_SEED ?? 1);
const seconds = Number(process.env.KCAPTURE_FUZZ_SECONDS ?? 25);
const cases = Number(process.env.KCAPTURE_FUZZ_ITERATIONS ?? 10_000);
const executable = resolve(process.env.KCAPTURE_EXECUTABLE ?? 'dist/kcapture');
const evidence = resolve('dist/fuzz');

let system: MemorySystem;
let inputs: FuzzInput[];
t.before(async () => {
  system = createMemorySystem(await createNodeSystem());
  inputs = await buildFuzzInputs(system);
});

/** Case after case until the number or the time is used up. */
async function runCases(
  t: { comment(text: string): void; fail(text: string): unknown; pass(text: string): unknown },
  from: readonly FuzzInput[],
  judge: (fuzzCase: FuzzCase) => Promise<string | undefined> | string | undefined,
): Promise<void> {
  t.comment(`KCAPTURE_FUZZ_SEED=${seed}`);
  const end = performance.now() + seconds * 1000;
  let done = 0;
  let faults = 0;
  for (; done < cases && performance.now() < end && faults < 10; done++) {
    const fuzzCase = makeCase(from, seed + done);
    const fault = await judge(fuzzCase);
    if (fault === undefined) continue;
    faults++;
    t.fail(`case ${fuzzCase.number}, ${fuzzCase.input}: ${keep(fuzzCase)}: ${fault}`);
  }
  t.pass(`${done} cases from ${seed} on, ${faults} faults`);
}

/** @returns the command line that repeats it. */
function keep({ number, files, words }: FuzzCase): string {
  const folder = join(evidence, String(number));
  mkdirSync(folder, { recursive: true });
  for (const [name, bytes] of Object.entries(files)) writeFileSync(join(folder, name), bytes);
  return `cd ${folder} && ${executable} ${words.join(' ')}`;
}

t.test('random damage never makes a command fail but by a clear error', async (t) => {
  // A case that never ends leaves its number here.
  mkdirSync(evidence, { recursive: true });
  await runCases(t, inputs, (fuzzCase) => {
    writeFileSync(join(evidence, 'running'), String(fuzzCase.number));
    return judgeRun(system, fuzzCase.files, fuzzCase.words, fuzzCase.sources);
  });
});

t.test('random damage never ends the executable by a signal, nor keeps it running', async (t) => {
  if (!existsSync(executable)) return t.fail(`There is no ${executable}: build it with "npm run build"`);
  const folder = mkdtempSync(join(tmpdir(), 'kcapture-fuzz-'));
  t.teardown(() => rmSync(folder, { recursive: true }));
  const all = [...inputs, await buildZipInput(system), ...buildNativeInputs(folder)];
  await runCases(t, all, (fuzzCase) => judgeExecutable(folder, fuzzCase));
});

/** Dumps by the codecs that only the executable has; LZO where the system has its library. */
function buildNativeInputs(folder: string): FuzzInput[] {
  const { files, commands } = inputs[0];
  writeFileSync(join(folder, 'vmcore'), files.vmcore);
  return ['-p', '-l', '-z'].flatMap((codec) => {
    const { status } = spawnSync(executable, ['dump', '-q', '-f', codec, '-d', '0', 'vmcore', 'dump'], { cwd: folder });
    return status === 0 ? [{ name: `native ${codec}`, files: { dump: readFileSync(join(folder, 'dump')) }, commands }] : [];
  });
}

function judgeExecutable(folder: string, { input, files, words, sources }: FuzzCase): string | undefined {
  for (const name of readdirSync(folder)) rmSync(join(folder, name));
  for (const [name, bytes] of Object.entries(files)) writeFileSync(join(folder, name), bytes);
  const { status, signal, stdout, stderr } = spawnSync(executable, words, {
    cwd: folder,
    timeout: 20_000,
    killSignal: 'SIGKILL',
    encoding: 'utf8',
  });
  if (status === null) return `ended by ${signal}: ${stderr}`;
  const wrong = judgeText(status, stdout, stderr);
  if (wrong !== undefined || words[0] !== 'dump' || words.includes('--dry-run')) return wrong;
  const written = readdirSync(folder).filter((name) => !(name in files));
  const dumps = written.map((name) => [name, readFileSync(join(folder, name))] as const);
  // The codecs of this process are others: they need not agree on blocks that are damaged.
  return input.startsWith('vmcore') || status === 1 ? judgeDumps(system.openCodec, status, files, dumps, sources) : undefined;
}
