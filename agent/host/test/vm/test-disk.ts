/**
 * The disk a capture in the virtual machine goes to: an ext4 file system in a sparse file, written and read by the programs of e2fsprogs, so that nothing
 * is mounted on this machine.
 */
import type { System } from '../../../sys/system.ts';
import { GiB, MiB } from '../../../binary/units.ts';
import { TestError } from '../test-error.ts';

/** Whatever it is, no other disk of the machine has it. */
export const testDiskUuid = '7c2d5a44-1c1b-4c0e-9d52-6b6361707475';
/** Where the capture puts its folder. */
export const testDiskFolder = '/crash';

const timeoutMs = 120_000;
const largestBytes = 1024 * GiB;

/** @throws TestError `test/no-program` */
export function makeTestDisk(system: System, path: string, wantedBytes: number): void {
  const sizeMiB = Math.ceil(Math.min(wantedBytes, largestBytes) / MiB);
  run(system, [
    'mke2fs',
    '-q',
    '-F',
    '-t',
    'ext4',
    '-U',
    testDiskUuid,
    '-E',
    'lazy_itable_init=1,lazy_journal_init=1',
    path,
    `${sizeMiB}M`,
  ]);
}

/** Copies the folder of captures out of the disk. Empty when there is none. @returns the folder that holds the captures. */
export function readTestDisk(system: System, path: string, workFolder: string): string {
  const output = `${workFolder}/saved`;
  system.files.makeFolder(output, 0o700);
  run(system, ['debugfs', '-R', `rdump ${testDiskFolder} ${output}`, path]);
  return `${output}${testDiskFolder}`;
}

function run(system: System, argv: readonly string[]): void {
  const { status, stderr } = system.programs.run(argv, { timeoutMs });
  if (status === 0) return;
  const hint = status === 127 ? 'Install e2fsprogs.' : undefined;
  throw new TestError('test/no-program', `Cannot use ${argv[0]} for the test's disk: status ${status}: ${stderr.trim().slice(0, 300)}`, {
    hint,
  });
}
