/** `kcapture show`: one saved capture in words. */
import { Command } from 'commander';
import { createProgress } from '../dump/progress.ts';
import { chooseSaved } from '../host/saved/choose-saved.ts';
import { findDebugKernel } from '../host/saved/debug-kernel.ts';
import { formatSaved } from '../host/saved/format-saved.ts';
import { readLogEnd } from '../host/saved/read-log.ts';
import type { SavedDump } from '../host/saved/saved-dump.ts';
import { savedFolders } from '../host/saved/saved-folders.ts';
import { type Verdict, verifySaved } from '../host/saved/verify.ts';
import type { System } from '../sys/system.ts';
import type { SetExit } from './set-exit.ts';

type Flags = { verify?: true; json?: true };

export function showCommand(system: System, setExit: SetExit): Command {
  return new Command('show')
    .summary('tell what one saved capture holds and how to open it')
    .description(
      'What was saved, what was lost, how to open it, and the end of the log. WHICH is a folder, its name or part of it, or "latest".',
    )
    .argument('[WHICH]', 'a capture', 'latest')
    .option('--verify', 'read every file and compare it with its checksum; exit code 3 when one differs')
    .option('--json', 'print as JSON')
    .action((which: string, flags: Flags) => printSaved(system, which, flags, setExit));
}

function printSaved(system: System, which: string, flags: Flags, setExit: SetExit): void {
  const { folders } = which.includes('/') ? { folders: [] } : savedFolders(system);
  const saved = chooseSaved(system.files, which, folders);
  const verdicts = flags.verify ? verify(system, saved, flags) : undefined;
  const debugKernel = saved.release === undefined ? { path: undefined, advice: undefined } : findDebugKernel(system.files, saved.release);
  if (flags.json) {
    system.print(`${JSON.stringify({ ...saved, verified: verdicts, debugKernel: debugKernel.path }, undefined, 2)}\n`);
  } else {
    const log = saved.files.find(({ name }) => name === saved.log);
    const logEnd = log === undefined ? [] : readLogEnd(system.files, `${saved.folder}/${log.name}`, log.sizeBytes);
    system.print(formatSaved(saved, { debugKernel, verdicts, logEnd }));
  }
  if (verdicts?.some(({ result }) => result !== 'same' && result !== 'unknown')) setExit(3);
}

function verify(system: System, saved: SavedDump, flags: Flags): readonly Verdict[] {
  const progress = flags.json ? undefined : createProgress(system);
  let started = false;
  const verdicts = verifySaved(system.files, saved, (done, total) => {
    if (!started) progress?.start('reading', total, 1);
    started = true;
    progress?.update(done);
  });
  if (started) progress?.end();
  return verdicts;
}
