/** `kcapture list`: the captures that were saved. */
import { resolve } from 'node:path';
import { Command } from 'commander';
import { findFleet } from '../host/saved/find-fleet.ts';
import { byTime, findSaved } from '../host/saved/find-saved.ts';
import { formatSavedList } from '../host/saved/format-saved.ts';
import { savedFolders } from '../host/saved/saved-folders.ts';
import { printable } from '../binary/printable.ts';
import { looksLikeUrl } from '../config/remote-url.ts';
import { UsageError } from '../errors.ts';
import type { System } from '../sys/system.ts';

export function listCommand(system: System): Command {
  return new Command('list')
    .summary('list the captures that were saved')
    .description(
      "Captures in FOLDER, or in the folders of the configured targets that can be reached now: kcapture's own and those of kdump-utils, SUSE's and Debian's kdump. With s3://…: those of all machines that save there.",
    )
    .argument('[FOLDER...]', 'folders of captures, or one s3:// URL')
    .option('--json', 'print as JSON')
    .action(async (folders: string[], flags: { json?: true }) => {
      if (folders.some(looksLikeUrl)) await printFleet(system, folders, flags);
      else printList(system, folders, flags);
    });
}

async function printFleet(system: System, urls: readonly string[], flags: { json?: true }): Promise<void> {
  const [url] = urls;
  if (urls.length > 1) throw new UsageError('usage/list', 'Cannot list more than one place on a server at a time');
  const { saved, isCut } = await findFleet(system, url);
  if (flags.json) {
    system.print(`${JSON.stringify({ url, isCut, saved }, undefined, 2)}\n`);
    return;
  }
  system.print(saved.length === 0 ? `No captures in ${printable(url)}\n` : formatSavedList(saved));
  if (isCut) system.printError('kcapture: There are more captures than these: the newest are listed\n');
}

function printList(system: System, named: readonly string[], flags: { json?: true }): void {
  const { folders, unreachable } =
    named.length > 0 ? { folders: named.map((folder) => resolve(folder)), unreachable: [] } : savedFolders(system);
  const saved = folders.flatMap((folder) => findSaved(system.files, folder)).sort(byTime);
  if (flags.json) {
    system.print(`${JSON.stringify({ folders, unreachable, saved }, undefined, 2)}\n`);
    return;
  }
  system.print(
    saved.length === 0
      ? `No captures in ${folders.map((folder) => printable(folder)).join(', ') || 'any folder'}\n`
      : formatSavedList(saved),
  );
  for (const { target, why } of unreachable) system.printError(`kcapture: Cannot look at ${printable(target)}: ${printable(why)}\n`);
}
