/** A small reservation is enough, with everything on board in it twice while it unpacks; and reading without mmap gives the same dump. */
import { readFileSync } from 'node:fs';
import type { Scenario } from '../scenario.ts';
import { readDumpReport } from '../verify/our-dump.ts';

/** 7.2 gets by with 192M too, with 25 MB to spare and a program that is read from its image again and again. */
const reservations: Readonly<Record<string, string>> = { '5.10': '192M', '7.2': '208M' };
/** What the process may take at its peak. */
const peakLimitBytes = 160 * 1024 * 1024;

export const smallReservation: Scenario = {
  name: 'small-reservation',
  kernels: Object.keys(reservations),
  async run({ kernel, checks, crash }) {
    const cycle = await crash({
      crashkernel: reservations[kernel.name],
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
