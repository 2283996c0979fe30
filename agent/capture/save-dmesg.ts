/** The crashed kernel's log, before a single page of its memory is read: it is small and tells most. */
import { formatBytes } from '../binary/units.ts';
import { dumpFiles } from '../target/dump-name.ts';
import type { DumpStore } from '../target/dump-store.ts';
import { markStage, noteElapsed, type Run } from './run.ts';

/** On the disk and under its name when this returns. @throws what the store throws. */
export function saveDmesg(run: Run, store: DumpStore): void {
  const { system, settings, log, crash } = run;
  if (crash.dmesg === undefined) return;
  store.save(dumpFiles.dmesg, crash.dmesg);
  noteElapsed(run, 'dmesg');
  const afterMs = Math.round(system.now() - settings.startedAt);
  log.info(`log saved to ${store.where}: ${formatBytes(crash.dmesg.length)}, ${afterMs} ms after the start`);
  markStage(run, 'dmesg saved', crash.panic);
}
