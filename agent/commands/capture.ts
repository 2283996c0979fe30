/** `kcapture capture`: the run in the capture kernel; by hand it does the same and leaves the machine alone. */
import { Command } from 'commander';
import { capture, type CaptureResult } from '../capture/capture.ts';
import { CaptureError } from '../capture/capture-error.ts';
import { describeRun } from '../capture/describe-run.ts';
import { readSettings } from '../capture/read-settings.ts';
import type { CaptureMode } from '../capture/settings.ts';
import { looksLikeUrl, parseRemoteUrl } from '../config/remote-url.ts';
import { UsageError } from '../errors.ts';
import { readServerFacts } from '../host/target/server-facts.ts';
import type { System } from '../sys/system.ts';
import type { SetExit } from './set-exit.ts';
import type { BuildInfo } from './version.ts';

type Flags = {
  unattended?: true;
  dryRun?: true;
  safe?: true;
  dmesgOnly?: true;
  source: string;
  to?: string[];
  credentials?: string;
  config?: string;
  plan?: string;
  json?: true;
};

const help = `
In a rescue shell of the capture kernel:
  kcapture capture --dry-run             what would be done, and what is there
  kcapture capture                       do it, and leave the machine running
  kcapture capture --to /mnt/crash       into a folder, without configuration
  kcapture capture --to ssh://dumps@host/srv  to a server

Ctrl-C with --to URL: nothing of the memory stays on the server, the log does; no other target is tried.
kcapture.WORD=VALUE on the kernel's command line overrides the configuration.
Exit codes: 0 saved as wished, 1 nothing was saved, 3 less than wished.
`;

export function captureCommand(system: System, build: BuildInfo, setExit: SetExit): Command {
  return new Command('capture')
    .summary('save the crashed kernel: the run in the capture kernel')
    .description(
      'Saves log, memory and a manifest to the first target that takes them: <host>-<YYYY-MM-DD-hh:mm:ss>/ with vmcore-dmesg.txt, vmcore, manifest.json, kcapture.log.',
    )
    .option('--unattended', 'end with the final action of the configuration (reboot), whatever happens')
    .option('--dry-run', 'print what would be done')
    .option('--safe', 'no mapping, one thread, no hooks')
    .option('--dmesg-only', 'the log and no memory')
    .option('--source <file>', 'the memory of the crashed kernel', '/proc/vmcore')
    .option('--to <folder|URL...>', 'save below these folders or places on servers, the first that works; no plan and no hooks')
    .option('--credentials <folder>', 'for --to URL: key or secret (default: those of "kcapture target add URL")')
    .option('--config <file>', 'configuration (default: /etc/kcapture.conf, else /etc/kdump.conf)')
    .option('--plan <file>', 'plan of the image (default: /etc/kcapture/armed.json)')
    .option('--json', 'print the result as JSON')
    .addHelpText('after', help)
    .action((flags: Flags) => runCapture(system, build, setExit, flags));
}

function runCapture(system: System, build: BuildInfo, setExit: SetExit, flags: Flags): void {
  const startedAt = system.now();
  const { source, to = [], credentials, config, plan, unattended = false } = flags;
  for (const url of to.filter(looksLikeUrl)) parseRemoteUrl(url, '--to');
  if (flags.safe && flags.dmesgOnly) throw new UsageError('usage/capture', 'Cannot use --safe with --dmesg-only: --dmesg-only is safe');
  const mode: CaptureMode = flags.dmesgOnly ? 'dmesg-only' : flags.safe ? 'safe' : 'full';
  const settings = readSettings(system, {
    source,
    mode,
    unattended,
    startedAt,
    build,
    folders: to,
    credentials,
    serverFacts: (folder) => readServerFacts(system, folder),
    isBrokenOff: to.some(looksLikeUrl) && !unattended && !flags.dryRun ? system.watchInterrupts() : undefined,
    configurationPath: config,
    planPath: plan,
  });
  if (flags.dryRun) return system.print(describeRun(system, settings));
  if (unattended && !settings.inCaptureKernel) throw notHere();
  const result = capture(system, settings);
  if (flags.json) system.print(`${JSON.stringify(result, undefined, 2)}\n`);
  else if (!unattended) system.print(advice(result));
  if (!result.asWished) setExit(result.status === 'failed' ? 1 : 3);
}

/** It would restart a machine that did not crash. */
function notHere(): CaptureError {
  return new CaptureError(
    'capture/not-here',
    'Cannot capture unattended: this kernel was not started by a crash, and the run ends with a restart',
    {
      hint: 'Leave out --unattended, or "kcapture test" to try it in a virtual machine',
    },
  );
}

function advice({ asWished, where, failedTargets }: CaptureResult): string {
  const lines = failedTargets.map(({ target, why }) => `failed  ${target}: ${why}`);
  if (where === undefined)
    return [
      ...lines,
      asWished ? 'Nothing was to be saved' : 'Nothing was saved. Mount a file system by hand, then: kcapture capture --to FOLDER',
    ]
      .join('\n')
      .concat('\n');
  const rest = asWished ? '' : '; less than wished: kcapture.log there says why';
  return [...lines, `saved   ${where}${rest}`, 'When you are done: reboot -f'].join('\n').concat('\n');
}
