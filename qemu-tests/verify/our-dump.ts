/** What `kcapture dump --json` said of a dump. */
import { readFileSync } from 'node:fs';
import { command } from '../command.ts';
import type { ReportedCounts } from './makedumpfile.ts';

export type DumpReport = {
  readonly complete: boolean;
  readonly pages: ReportedCounts;
  readonly writtenBytes: number;
  readonly peakMemoryBytes: number;
};

export function readDumpReport(path: string): DumpReport {
  return JSON.parse(readFileSync(path, 'utf8')) as DumpReport;
}

/** Makes a dump on the host. @throws Error when the executable fails. */
export function dumpOnHost(executable: string, options: readonly string[], source: string, target: string): DumpReport {
  return JSON.parse(command([executable, 'dump', '-f', '--json', ...options, source, target])) as DumpReport;
}
