/** The disk fills up in the middle: exit code 3, a readable dump, marked incomplete, under a name that says so; the log was saved before. */
import { statSync } from 'node:fs';
import { command } from '../command.ts';
import type { Scenario } from '../scenario.ts';
import { runNewestDrgn } from '../verify/python.ts';

export const diskFull: Scenario = {
  name: 'disk-full',
  kernels: ['5.10'],
  async run({ checks, executable, crash }) {
    const cycle = await crash({
      dumpDiskMiB: 96,
      rawDiskMiB: 4096,
      steps: [
        { name: 'dmesg', run: '/exe/kcapture dmesg /proc/vmcore /disk/dmesg' },
        {
          name: 'dump',
          run: '/exe/kcapture dump --compress none /proc/vmcore /disk/vmcore\nstatus=$?\nreport dump-status $status\n[ "$status" = 3 ]',
        },
        { name: 'names', run: '[ ! -e /disk/vmcore ] && [ -e /disk/vmcore-incomplete ]' },
        { name: 'raw', run: 'copy_raw' },
      ],
    });
    checks.equal(cycle.report.get('dump-status'), '3', 'a full disk ends the dump with exit code 3');
    checks.ok(statSync(cycle.extract('dmesg')).size > 10_000, 'the log is there');
    const dump = cycle.extract('vmcore-incomplete');
    checks.ok(/incomplete/i.test(command([executable, 'inspect', dump])), 'inspect says that it is incomplete');
    const found = runNewestDrgn<{ pages: number; equal: number; wrong: number }>('partial_pages.py', [dump, cycle.rawVmcore!]);
    checks.ok(
      found.equal > 1000 && found.wrong === 0,
      `${found.equal} of ${found.pages} pages can be read and equal the raw memory`,
      JSON.stringify(found),
    );
  },
};
