/** `kcapture version`: which build this is. */
import { Command } from 'commander';
import type { System } from '../sys/system.ts';

export type BuildInfo = { readonly version: string; readonly commit: string; readonly runtime: string; readonly arch: string };

export function versionCommand(system: System, build: BuildInfo): Command {
  return new Command('version')
    .summary('print the version')
    .option('--json', 'print as JSON')
    .action((flags: { json?: true }) => {
      if (flags.json) system.print(`${JSON.stringify(build)}\n`);
      else system.print(`kcapture ${build.version} (${build.commit}, ${build.arch}, ${build.runtime})\n`);
    });
}
