/**
 * One capture in a virtual machine: the real kernel, the real image, a made crash, a disk of the test's own; and a judgement of what lies on the disk after it.
 */
import { randomUUID } from 'node:crypto';
import type { ArmedPlan } from '../../../config/armed-plan.ts';
import type { Configuration } from '../../../config/configuration.ts';
import { GiB, MiB } from '../../../binary/units.ts';
import type { System } from '../../../sys/system.ts';
import { makeCrashHead } from '../made-crash/crash-image.ts';
import { type MadeMachine, makeMachine } from '../made-crash/made-machine.ts';
import { type EmulatorResult, oldMemoryAt, runEmulator } from './emulator.ts';
import { judgeCapture, type VmFinding } from './judge-capture.ts';
import { makeTestDisk, readTestDisk } from './test-disk.ts';
import { makeTestImage } from './test-image.ts';

export type VmTestRequest = {
  readonly configuration: Configuration;
  readonly kernel: string;
  readonly kernelRelease: string;
  readonly image: string;
  readonly plan: ArmedPlan | undefined;
  readonly commandLine: string;
  readonly memoryBytes: number;
  readonly timeoutMs: number;
  /** Where disk, console and dump of the test lie. */
  readonly workFolder: string;
};

export type VmResult = {
  readonly passed: boolean;
  readonly memoryBytes: number;
  readonly seconds: number;
  readonly end: EmulatorResult['end'];
  readonly accelerator: EmulatorResult['accelerator'];
  /** What was looked at, one line each. */
  readonly findings: readonly VmFinding[];
  /** Milliseconds from the agent's start until the log was on the disk. */
  readonly dmesgMs: number | undefined;
  /** What the capture kernel had, and the most it used of it at one time. */
  readonly availableBytes: number | undefined;
  readonly peakBytes: number | undefined;
  readonly console: string;
};

/** Enough for every kind of page; a larger machine costs the capture a bitmap of 32 KiB a GiB more. */
const machineBytes = 64 * MiB;

/** @throws TestError, LinuxError, FilesError: when the test could not be made. What it finds is in the result. */
export function runVmTest(system: System, request: VmTestRequest): VmResult {
  const { workFolder, configuration } = request;
  const at = (name: string) => `${workFolder}/${name}`;
  const machine = makeMachine({ memoryBytes: machineBytes, id: randomUUID(), crashTime: Math.floor(system.kernel.wallClockMs() / 1000) });
  const files = { oldMemory: at('old-memory'), disk: at('disk'), console: at('console'), image: at('image') };
  for (const path of Object.values(files)) system.files.remove(path);
  const oldMemoryBytes = writeOldMemory(system, machine, files.oldMemory);
  makeTestImage(system, { image: request.image, kernelRelease: request.kernelRelease, plan: request.plan, output: files.image });
  makeTestDisk(system, files.disk, 4 * GiB + configuration.minFreeBytes);
  const startedAt = system.now();
  const { kernel, commandLine, memoryBytes, timeoutMs } = request;
  const ended = runEmulator(system, { ...files, oldMemoryBytes, kernel, commandLine, memoryBytes, timeoutMs });
  const seconds = (system.now() - startedAt) / 1000;
  system.files.removeTree(at('saved'));
  const { findings, manifest } = judgeCapture(system, {
    machine,
    configuration,
    folder: readTestDisk(system, files.disk, workFolder),
    ended,
  });
  return {
    passed: findings.every(({ passed }) => passed),
    memoryBytes,
    seconds,
    end: ended.end,
    accelerator: ended.accelerator,
    findings,
    dmesgMs: manifest?.elapsedMs.dmesg,
    availableBytes: manifest?.captureKernel.memoryBytes,
    peakBytes: manifest?.captureKernel.peakMemoryBytes,
    console: files.console,
  };
}

function writeOldMemory(system: System, machine: MadeMachine, path: string): number {
  const head = makeCrashHead(machine, oldMemoryAt);
  const sink = system.createFile(path);
  try {
    sink.write(0, head);
    sink.write(head.length, machine.memory);
  } finally {
    sink.close();
  }
  return head.length + machine.memory.length;
}
