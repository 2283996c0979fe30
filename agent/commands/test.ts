/** `kcapture test`: tries the capture before it is needed, in three grades. */
import { resolve } from 'node:path';
import { Command, InvalidArgumentError, Option } from 'commander';
import { decodeText } from '../binary/text.ts';
import { parseSize } from '../config/quantity.ts';
import { KcaptureError, UsageError } from '../errors.ts';
import { createPaint } from '../host/status/format-checks.ts';
import { readStatus } from '../host/status/status.ts';
import { crashNow, judgeCrashTest } from '../host/test/crash-test.ts';
import { runDryTest } from '../host/test/dry-run.ts';
import { formatCrashResult, formatDryRun, formatFloor, formatVmResult } from '../host/test/format-test.ts';
import { TestError } from '../host/test/test-error.ts';
import { findFloor } from '../host/test/vm/find-floor.ts';
import { prepareVm } from '../host/test/vm/prepare-vm.ts';
import { runVmTest } from '../host/test/vm/vm-test.ts';
import type { System } from '../sys/system.ts';
import type { SetExit } from './set-exit.ts';
import type { BuildInfo } from './version.ts';

type Flags = {
  vm?: true;
  crash?: true;
  result?: true;
  kernel?: string;
  image?: string;
  memory?: number;
  bisect?: true;
  timeout: number;
  keep?: string;
  yes?: true;
  force?: true;
  json?: true;
};

const help = `
Three grades:
  kcapture test            makes image and command line, runs the packed executable, writes a file to each target and removes it
  kcapture test --vm       boots the capture kernel with its image in QEMU; it finds a made crash and saves it to a disk of the test's own
  kcapture test --crash    crashes this machine; after the restart "kcapture test --result" says what was saved
Exit codes: 0 passed, 1 failed or not known yet.
`;

export function testCommand(system: System, build: BuildInfo, setExit: SetExit): Command {
  return new Command('test')
    .summary('try the capture: dry, in a virtual machine, or by a real crash')
    .description('Tries everything between a crash and a saved dump before it is needed.')
    .addOption(new Option('--vm', 'boot the capture kernel in a virtual machine').conflicts(['crash', 'result']))
    .addOption(new Option('--crash', 'crash this machine now (asks first)').conflicts('result'))
    .option('--result', 'what became of the last --crash')
    .option('--kernel <RELEASE|FILE>', 'the capture kernel (default: the configured one, else the running one)')
    .option('--image <FILE>', 'with --vm: an image instead of the one kcapture makes')
    .option('--memory <SIZE>', 'with --vm: memory of the capture kernel (default: what is reserved, else 256M)', parseMemory)
    .option('--bisect', 'with --vm: find the least memory that works, in steps of 8 MiB')
    .option('--timeout <SECONDS>', 'with --vm: limit for each run', parseSeconds, 600)
    .option('--keep <FOLDER>', 'with --vm: put console, disk and dump there and leave them')
    .option('--yes', 'with --crash: do not ask')
    .option('--force', 'with --crash: crash even if nothing would be captured')
    .option('--json', 'print as JSON')
    .addHelpText('after', help)
    .action(async (flags: Flags) => {
      if (flags.vm) testInVm(system, build, flags, setExit);
      else if (flags.crash) testByCrash(system, build, flags);
      else if (flags.result) showResult(system, flags, setExit);
      else await testDry(system, build, flags, setExit);
    });
}

function paintFor(system: System) {
  return createPaint(system.errorIsTerminal && system.environment('NO_COLOR') === undefined);
}

async function testDry(system: System, build: BuildInfo, flags: Flags, setExit: SetExit): Promise<void> {
  const result = await runDryTest(system, { kernel: flags.kernel, build });
  if (!result.passed) setExit(1);
  if (!flags.json) return system.print(formatDryRun(result, paintFor(system)));
  const { passed, checks, plan } = result;
  system.print(`${JSON.stringify({ passed, checks, kernel: plan?.kernel.path, commandLine: plan?.line.text }, undefined, 2)}\n`);
}

function testInVm(system: System, build: BuildInfo, flags: Flags, setExit: SetExit): void {
  const workFolder = flags.keep === undefined ? system.files.makeWorkFolder() : resolve(flags.keep);
  if (flags.keep !== undefined) system.files.makeFolder(workFolder, 0o700);
  const { kernel, image, memory } = flags;
  try {
    const wish = { kernel, image: image && resolve(image), memoryBytes: memory, timeoutMs: flags.timeout * 1000, workFolder, build };
    const prepared = prepareVm(system, wish);
    try {
      const result = runVmTest(system, prepared.request);
      const paint = paintFor(system);
      if (!flags.json) system.print(formatVmResult(result, paint, consoleTail(system, result.console)));
      if (!result.passed) setExit(1);
      const tryMemory = (memoryBytes: number) => runVmTest(system, { ...prepared.request, memoryBytes });
      const floor = flags.bisect && result.passed ? findFloor(result.memoryBytes, tryMemory) : undefined;
      if (floor !== undefined && !flags.json) system.print(formatFloor(floor));
      if (flags.json) system.print(`${JSON.stringify({ ...result, floor }, undefined, 2)}\n`);
    } finally {
      prepared.discard();
    }
  } finally {
    if (flags.keep === undefined) system.files.removeTree(workFolder);
  }
}

function consoleTail({ files }: System, path: string): readonly string[] {
  const size = files.status(path)?.sizeBytes ?? 0;
  if (size === 0) return ['(nothing)'];
  const start = Math.max(0, size - 65_536);
  return decodeText(files.readAt(path, start, size - start))
    .trimEnd()
    .split(/\r?\n/)
    .slice(-40);
}

function testByCrash(system: System, build: BuildInfo, flags: Flags): void {
  if (!flags.force && readStatus(system, build).exitCode === 4) {
    throw new TestError('test/refused', 'Cannot test by a crash: it would not be captured', {
      hint: 'See why: kcapture status; or crash all the same with --force',
    });
  }
  if (!flags.yes && !isConfirmed(system))
    throw new UsageError('usage/test', 'Cannot crash without your word: nothing was done', { hint: 'Type "crash", or give --yes' });
  crashNow(system);
}

/** One line is read; anything but the word means no. */
function isConfirmed(system: System): boolean {
  system.print(
    'This machine will crash now: programs end without saving, services stop, and it restarts after the capture.\nType "crash" to go on: ',
  );
  const line = new Uint8Array(64);
  const length = system.readStandardInput(line);
  return decodeText(line.subarray(0, length)).trim() === 'crash';
}

function showResult(system: System, flags: Flags, setExit: SetExit): void {
  const result = judgeCrashTest(system);
  if (result === undefined) {
    throw new TestError('test/no-marker', 'Cannot tell a result: no crash test was made', { hint: 'kcapture test --crash' });
  }
  if (result.outcome !== 'passed') setExit(1);
  system.print(flags.json ? `${JSON.stringify(result, undefined, 2)}\n` : formatCrashResult(result, paintFor(system)));
}

function parseMemory(text: string): number {
  try {
    return parseSize(text);
  } catch (error) {
    if (error instanceof KcaptureError) throw new InvalidArgumentError('Expected a size such as 192M.');
    throw error;
  }
}

function parseSeconds(text: string): number {
  const seconds = Number(text);
  if (!/^\d{1,5}$/.test(text) || seconds < 10) throw new InvalidArgumentError('Expected seconds, from 10 to 99999.');
  return seconds;
}
