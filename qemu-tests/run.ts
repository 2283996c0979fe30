/**
 * Runs the scenarios, two at a time, and adds up their assertions.
 *
 * `bun qemu-tests/run.ts` runs all; each word given must be the kernel's name or part of the scenario's. `--summary FILE` writes the totals as JSON.
 * A scenario whose QEMU was ended by a signal begins again, once: it has no verdict, and what it printed stands as a comment.
 * Everything is downloaded before the first machine starts. A scenario's evidence is removed when it passed (`KCAPTURE_KEEP=1` keeps it).
 */
import { spawn } from 'node:child_process';
import { existsSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { freemem } from 'node:os';
import { join } from 'node:path';
import { runCycle } from './cycle.ts';
import { executableSquashfs } from './initramfs.ts';
import { kernelFiles } from './kernel-files.ts';
import { findKernel } from './kernels.ts';
import { createMachine } from './machine/machine.ts';
import { executablePayload } from './machine/payload.ts';
import { systemDisk } from './machine/root-disk.ts';
import type { Scenario } from './scenario.ts';
import { agentFaults } from './scenarios/agent-faults.ts';
import { codecsScenario } from './scenarios/codecs.ts';
import { diskFull } from './scenarios/disk-full.ts';
import { dropIn } from './scenarios/drop-in.ts';
import { filter } from './scenarios/filter.ts';
import { flattened } from './scenarios/flattened.ts';
import { harness } from './scenarios/harness.ts';
import { installScenario } from './scenarios/install.ts';
import { layers } from './scenarios/layers.ts';
import { machineHarness } from './scenarios/machine-harness.ts';
import { memoryFaults } from './scenarios/memory-faults.ts';
import { networkFiles, networkStreams } from './scenarios/network.ts';
import { networkFaults } from './scenarios/network-faults.ts';
import { networkReturns } from './scenarios/network-returns.ts';
import { smallReservation } from './scenarios/small-reservation.ts';
import { targets } from './scenarios/targets.ts';
import { statusLoad } from './scenarios/status-load.ts';
import { targetFaults } from './scenarios/target-faults.ts';
import { unattendedScenarios } from './scenarios/unattended.ts';
import { Checks } from './verify/checks.ts';
import { crashPrograms, vmlinux } from './verify/crash-session.ts';
import { makedumpfileFor } from './verify/makedumpfile.ts';
import { prepareNewestDrgn } from './verify/python.ts';
import { QemuDied } from './vm.ts';

const scenarios: readonly Scenario[] = [
  filter,
  codecsScenario,
  flattened,
  smallReservation,
  diskFull,
  dropIn,
  harness,
  machineHarness,
  installScenario,
  ...unattendedScenarios,
  statusLoad,
  targetFaults,
  agentFaults,
  memoryFaults,
  targets,
  layers,
  networkFiles,
  networkStreams,
  networkFaults,
  networkReturns,
];
const executable = process.env.KCAPTURE_EXECUTABLE ?? join(import.meta.dirname, '../dist/kcapture');
/** In the checkout, so that two checkouts do not meet. */
const runsFolder = join(import.meta.dirname, '../dist/qemu');
/** A scenario that takes longer is ended: machines and witnesses together. */
const scenarioLimitMs = 900_000;
/** Two machines and their witnesses need this much. */
const memoryForTwo = 6 * 1024 ** 3;

type Totals = { passed: number; failed: number };
/** `qemuDied`: the scenario has no verdict. */
type Result = Totals & { readonly qemuDied: boolean };
type Job = { readonly scenario: string; readonly kernel: string };

const words = process.argv.slice(2);
const totals = words[0] === '--one' ? await runOne(words[1], words[2], words[3]) : await runAll(words);
process.exit(totals.failed === 0 && totals.passed > 0 ? 0 : 1);

async function runAll(argument: readonly string[]): Promise<Totals> {
  const at = argument.indexOf('--summary');
  const summary = at < 0 ? undefined : argument[at + 1];
  const filters = argument.filter((_, index) => at < 0 || (index !== at && index !== at + 1));
  if (!existsSync(executable)) throw new Error(`Cannot find ${executable}: run "npm run build" first`);
  const jobs = scenarios
    .flatMap(({ name, kernels }) => kernels.map((kernel) => ({ scenario: name, kernel })))
    .filter(({ scenario, kernel }) => filters.every((word) => word === kernel || scenario.includes(word)));
  if (jobs.length === 0) throw new Error(`Cannot run scenarios: none is called ${filters.join(' ')}`);
  prepare(jobs);

  const sum: Totals = { passed: 0, failed: 0 };
  const queue = [...jobs];
  const worker = async () => {
    for (let job = queue.shift(); job !== undefined; job = queue.shift()) {
      const { passed, failed } = await runJob(job);
      sum.passed += passed;
      sum.failed += failed;
    }
  };
  await Promise.all(freemem() > memoryForTwo ? [worker(), worker()] : [worker()]);
  console.log(`# qemu: ${sum.passed} passed, ${sum.failed} failed`);
  if (summary !== undefined) writeFileSync(summary, `${JSON.stringify(sum)}\n`);
  return sum;
}

/** Downloads and unpacks all that the scenarios need, one thing after the other. */
function prepare(jobs: readonly Job[]): void {
  const startedAt = Date.now();
  for (const name of new Set(jobs.map(({ kernel }) => kernel))) {
    const kernel = findKernel(name);
    console.log(`# ${name}: ${kernelFiles(kernel).release} from ${kernel.suite}; makedumpfile: ${makedumpfileFor(kernel).argv.at(-1)}`);
  }
  prepareNewestDrgn();
  const onMachines = jobs.filter(({ scenario }) => scenarios.some(({ name, usesMachines }) => name === scenario && usesMachines === true));
  for (const { kernel } of onMachines) systemDisk(kernelFiles(findKernel(kernel)));
  if (onMachines.length > 0) executablePayload(executable);
  const withCrash = [codecsScenario, targets, networkFiles, networkStreams, ...unattendedScenarios].map(({ name }) => name);
  if (jobs.some(({ scenario }) => withCrash.includes(scenario))) {
    for (const kernel of codecsScenario.kernels) vmlinux(findKernel(kernel));
    console.log(
      `# crash: ${crashPrograms()
        .map(({ name }) => name)
        .join(', ')}`,
    );
  }
  executableSquashfs(executable);
  console.log(`# ready after ${Math.round((Date.now() - startedAt) / 1000)} s`);
}

/** Prints the scenario's lines when it has ended; a first attempt whose QEMU died is a comment. */
async function runJob(job: Job): Promise<Totals> {
  let { result, printed } = await runInProcess(job);
  if (result.qemuDied) {
    const comment = printed.trimEnd().replace(/^/gm, '# ');
    process.stdout.write(`${comment}\n# ${job.scenario} ${job.kernel}: QEMU died; the scenario begins again\n`);
    ({ result, printed } = await runInProcess(job));
  }
  process.stdout.write(printed);
  return result;
}

/** A process of its own, so that one scenario's witnesses do not hold up the other's machine. */
async function runInProcess({ scenario, kernel }: Job): Promise<{ readonly result: Result; readonly printed: string }> {
  const result = join(runsFolder, `${scenario}-${kernel}.json`);
  mkdirSync(runsFolder, { recursive: true });
  rmSync(result, { force: true });
  const child = spawn(process.execPath, [join(import.meta.dirname, 'run.ts'), '--one', scenario, kernel, result], {
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  let printed = '';
  for (const stream of [child.stdout, child.stderr]) stream.on('data', (chunk: Buffer) => (printed += chunk.toString()));
  const limit = setTimeout(() => child.kill('SIGTERM'), scenarioLimitMs);
  const startedAt = Date.now();
  await new Promise((resolve) => child.once('close', resolve));
  clearTimeout(limit);
  printed += `# ${scenario} ${kernel}: ${Math.round((Date.now() - startedAt) / 1000)} s\n`;
  if (existsSync(result)) return { result: JSON.parse(readFileSync(result, 'utf8')) as Result, printed };
  const without = `not ok - ${scenario} ${kernel}: the scenario ended without a result\n`;
  return { result: { passed: 0, failed: 1, qemuDied: false }, printed: printed + without };
}

async function runOne(name: string, kernelName: string, result: string): Promise<Totals> {
  process.once('SIGTERM', () => process.exit(1));
  const scenario = scenarios.find((row) => row.name === name)!;
  const kernel = findKernel(kernelName);
  const checks = new Checks(`${name} ${kernelName}`);
  const folder = join(runsFolder, `${name}-${kernelName}`);
  rmSync(folder, { recursive: true, force: true });
  mkdirSync(folder, { recursive: true });
  let qemuDied = false;
  try {
    await scenario.run({
      ...{ kernel, checks, executable, folder },
      crash: (options) => runCycle({ kernel, executable, folder, ...options }),
      machine: ({ name = 'machine', ...options }) => createMachine({ kernel, executable, folder: join(folder, name), ...options }),
    });
  } catch (error) {
    qemuDied = error instanceof QemuDied;
    checks.ok(false, 'the scenario runs to its end', error instanceof Error ? (error.stack ?? error.message) : String(error));
  }
  if (checks.failed > 0) {
    console.log(`# the evidence is in ${folder}; the machine's own command line in ${join(folder, 'command')}`);
    console.log(`# to run it again: KCAPTURE_KEEP=1 npm run qemu -- ${name} ${kernelName}`);
  } else if (process.env.KCAPTURE_KEEP === undefined) rmSync(folder, { recursive: true, force: true });
  const totals: Result = { passed: checks.passed, failed: checks.failed, qemuDied };
  writeFileSync(result, JSON.stringify(totals));
  return totals;
}
