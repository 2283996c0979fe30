/** A reservation of 192 MiB is enough, and reading without mmap gives the same dump. */
import { readFileSync } from 'node:fs';
import type { Scenario } from '../scenario.ts';
import { readDumpReport } from '../verify/our-dump.ts';

/** What the process may take at its peak. */
const peakLimitBytes = 160 * 1024 * 1024;

export const smallReservation: Scenario = {
  name: 'small-reservation',
  kernels: ['5.10', '7.2'],
  async run({ checks, crash }) {
    const cycle = await crash({
      crashkernel: '192M',
      steps: [
        { name: 'mapped', run: '/exe/kcapture dump --json /proc/vmcore /disk/mapped >/disk/mapped.json' },
        { name: 'read', run: '/exe/kcapture dump --no-mmap /proc/vmcore /disk/read' },
      ],
    });
    const report = readDumpReport(cycle.extract('mapped.json'));
    checks.ok(report.complete, 'the dump is complete');
    checks.ok(report.peakMemoryBytes <= peakLimitBytes, 'peak memory stays below 160 MiB', `found ${report.peakMemoryBytes}`);
    const [mapped, read] = ['mapped', 'read'].map((name) => readFileSync(cycle.extract(name)));
    checks.ok(mapped.equals(read), `the dump read without mmap is the same file (${mapped.length} bytes)`);
    checks.note(`peak ${report.peakMemoryBytes} bytes; ${cycle.report.get('memory-available-kb')} kB available at the end`);
  },
};
