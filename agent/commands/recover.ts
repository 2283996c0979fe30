/** `kcapture recover`: on the boot after a crash, fetches a dump from a raw device into a folder. */
import { Command } from 'commander';
import { formatBytes } from '../binary/units.ts';
import { hostPaths } from '../host/paths.ts';
import type { Configuration } from '../config/configuration.ts';
import { defaultConfiguration } from '../config/defaults.ts';
import { readConfiguration } from '../config/read-configuration.ts';
import { createProgress } from '../dump/progress.ts';
import { KcaptureError } from '../errors.ts';
import { findDevice } from '../linux/find-device.ts';
import type { System } from '../sys/system.ts';
import { type Recovery, recoverRaw } from '../target/raw/recover.ts';
import type { SetExit } from './set-exit.ts';

type Flags = { to?: string; config?: string; json?: true };

export function recoverCommand(system: System, setExit: SetExit): Command {
  return new Command('recover')
    .summary('fetch a dump from a raw device into a folder')
    .description(
      'Makes the usual folder of what the capture wrote to DEVICE, and marks the device as recovered. Without DEVICE: every "raw" of the configuration.',
    )
    .argument('[DEVICE]', 'a block device, also as PARTUUID=…')
    .option('--to <folder>', 'folder of all dumps (default: "path" of the configuration)')
    .option('--config <file>', 'configuration (default: /etc/kcapture.conf, else /etc/kdump.conf)')
    .option('--json', 'print the result as JSON')
    .action((device: string | undefined, flags: Flags) => recover(system, setExit, device, flags));
}

function recover(system: System, setExit: SetExit, device: string | undefined, flags: Flags): void {
  const configuration = readFirst(system, flags.config);
  const devices = device !== undefined ? [device] : configuration.targets.flatMap((wish) => (wish.kind === 'raw' ? [wish.device] : []));
  const results = devices.map((name) => ({ device: name, ...recoverOne(system, name, flags.to ?? configuration.path) }));
  if (flags.json) system.print(`${JSON.stringify(results, undefined, 2)}\n`);
  else for (const result of results) system.print(`${result.device}: ${describe(result)}\n`);
  if (results.some(({ state }) => state === 'failed')) setExit(1);
  else if (results.some((result) => result.state === 'recovered' && !result.complete)) setExit(3);
}

type Result = Recovery | { readonly state: 'failed'; readonly why: string; readonly hint: string | undefined };

/** A device that fails does not keep the next from being recovered. */
function recoverOne(system: System, name: string, folder: string): Result {
  const progress = createProgress(system);
  let started = false;
  const onBytes = (done: number, total: number) => {
    if (!started) progress.start('recovering', total, 1);
    started = true;
    progress.update(done);
  };
  try {
    const node = findDevice(system, name);
    if (node === undefined) return { state: 'failed', why: 'there is no such device', hint: undefined };
    return recoverRaw(system, node, folder, { onBytes });
  } catch (error) {
    if (!(error instanceof KcaptureError)) throw error;
    return { state: 'failed', why: error.message, hint: error.hint };
  } finally {
    if (started) progress.end();
  }
}

function readFirst({ files }: System, path: string | undefined): Configuration {
  for (const candidate of path === undefined ? hostPaths.configurations : [path]) {
    const text = files.readTextIfThere(candidate);
    if (text !== undefined) return readConfiguration(text, candidate).configuration;
  }
  return defaultConfiguration;
}

function describe(result: Result): string {
  switch (result.state) {
    case 'nothing':
      return 'no capture lies there';
    case 'already':
      return `${result.name} was recovered before`;
    case 'failed':
      return `${result.why}${result.hint === undefined ? '' : `\n  ${result.hint}`}`;
    case 'recovered':
      return [
        `${formatBytes(result.bytes)} recovered to ${result.folder}${result.complete ? '' : ', INCOMPLETE'}`,
        ...result.warnings,
      ].join('\n  ');
  }
}
