/** Under the name makedumpfile, in the capture kernel: the same report, lines and all, and a dump of the same pages. */
import { join } from 'node:path';
import { readFileSync } from 'node:fs';
import type { Scenario } from '../scenario.ts';
import { compareBitmaps, readKdumpBitmaps } from '../verify/kdump-bitmaps.ts';
import { checkKeptPages } from '../verify/kept-pages.ts';
import { withoutOverlap } from '../verify/page-filter.ts';
import { makedumpfileFor, parseReport, runMakedumpfile } from '../verify/makedumpfile.ts';

export const dropIn: Scenario = {
  name: 'drop-in',
  kernels: ['6.1'],
  async run({ kernel, checks, folder, crash }) {
    const cycle = await crash({
      rawDiskMiB: 4096,
      steps: [
        { name: 'link', run: 'ln -s /exe/kcapture /run/makedumpfile' },
        { name: 'dump', run: '/run/makedumpfile -l --message-level 31 -d 31 /proc/vmcore /disk/vmcore >/disk/report 2>&1' },
        { name: 'raw', run: 'copy_raw' },
      ],
    });
    const dump = cycle.extract('vmcore');
    const theirDump = join(folder, 'witness');
    const theirs = runMakedumpfile(makedumpfileFor(kernel), ['-l', '-d', '31'], cycle.rawVmcore!, theirDump);
    checks.equal(
      parseReport(readFileSync(cycle.extract('report'), 'utf8')),
      withoutOverlap(parseReport(theirs), cycle.rawVmcore!),
      'the report has the same numbers',
    );
    const { onlyFirst, onlySecond } = compareBitmaps(readKdumpBitmaps(dump).holds, readKdumpBitmaps(theirDump).holds);
    checks.equal([onlyFirst.length, onlySecond.length], [0, 0], 'the dump holds the same pages');
    checkKeptPages(checks, dump, cycle.rawVmcore!, 'lzo');
  },
};
