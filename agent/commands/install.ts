/** `kcapture install`: puts kcapture on a system, or takes it away. */
import { resolve } from 'node:path';
import { Command, Option } from 'commander';
import { printable } from '../binary/printable.ts';
import { install, type InstallReport } from '../host/install/install.ts';
import { executableToInstall } from '../host/install/own-executable.ts';
import { announceInstall, prepareUninstall } from '../host/install/running-system.ts';
import { uninstall, type UninstallReport } from '../host/install/uninstall.ts';
import { executablePlace, type Generator } from '../host/install/wanted-files.ts';
import { UsageError } from '../errors.ts';
import { explainEvents, type PanicEventName, panicEventNames, parsePanicEvents } from '../linux/panic-events.ts';
import { createFiles } from '../sys/machine-files.ts';
import type { Files } from '../sys/files-interface.ts';
import type { System } from '../sys/system.ts';
import type { BuildInfo } from './version.ts';

type Flags = {
  readonly root?: string;
  readonly panicOn?: string;
  readonly generator: Generator;
  readonly enable?: boolean;
  readonly uninstall?: true;
  readonly json?: true;
};

export function installCommand(system: System, build: BuildInfo): Command {
  return new Command('install')
    .summary('put kcapture on this system, or take it away')
    .description(
      'Writes units, rules and the hooks of image generators from the executable itself, as far as the system has a use for them, and copies the executable to /usr/bin. Running it again brings them up to date.',
    )
    .option('--root <DIR>', 'a system below this folder instead of the running one')
    .option('--panic-on <EVENTS>', `events that shall end in a panic, and so in a dump: ${panicEventNames.slice(1).join(', ')}`)
    .addOption(
      new Option('--generator <NAME>', 'what makes the image')
        .choices(['auto', 'dracut', 'mkinitcpio', 'own'])
        .default('auto', 'the hooks of every generator that is there; the configuration chooses'),
    )
    .option('--enable', 'load the capture kernel at boot (default, unless it was disabled)')
    .option('--no-enable', 'do not')
    .option('--uninstall', 'remove exactly what was installed, with images and everything else kcapture made; saved dumps stay')
    .option('--json', 'print as JSON')
    .action((flags: Flags) => (flags.uninstall ? runUninstall(system, flags) : runInstall(system, build, flags)));
}

function runInstall(system: System, build: BuildInfo, flags: Flags): void {
  const panicOn = flags.panicOn === undefined ? undefined : parsePanicEvents(flags.panicOn);
  const files = filesOf(system, flags);
  const report = install(files, {
    version: build.version,
    generator: flags.generator,
    panicOn,
    enable: flags.enable,
    executable: executableToInstall(system, files, build.version),
  });
  const notes = [...report.notes, ...(files === system.files ? announceInstall(system) : [])];
  if (flags.json) system.print(`${JSON.stringify({ ...report, notes }, undefined, 2)}\n`);
  else system.print(installText(system, { ...report, notes }, panicOn));
}

function runUninstall(system: System, flags: Flags): void {
  const files = filesOf(system, flags);
  const isRunning = files === system.files;
  const before = isRunning ? prepareUninstall(system) : [];
  const isInstalled = isRunning && files.realPath(system.executablePath) === executablePlace;
  const report = uninstall(files, isInstalled ? { executablePath: executablePlace } : {});
  const notes = [...before, ...(isRunning ? announceInstall(system) : [])];
  if (flags.json) system.print(`${JSON.stringify({ ...report, notes }, undefined, 2)}\n`);
  else system.print(uninstallText({ ...report, notes }));
}

function filesOf(system: System, { root }: Flags): Files {
  if (root === undefined || resolve(root) === '/') return system.files;
  if (system.files.status(resolve(root))?.kind === 'folder') return createFiles({ root: resolve(root) });
  throw new UsageError('usage/root', `Cannot install below "${root}": it is no folder`);
}

function installText(system: System, report: InstallReport, panicOn: readonly PanicEventName[] | undefined): string {
  const { parts, written, removed, notes } = report;
  const changed = [...written.map((path) => `wrote    ${path}`), ...removed.map((path) => `removed  ${path}`)];
  const meanings = explainEvents(system.files).filter(({ name }) => panicOn?.includes(name));
  return lines([
    ...(changed.length === 0 ? ['Everything is in its place already'] : changed),
    `parts found here: ${parts.join(', ') || 'none; kcapture load must be run at boot by whatever starts this system'}`,
    ...meanings.map(({ name, meaning }) => `a dump from now on when ${meaning} (${name})`),
    ...notes.map((note) => `note: ${note}`),
    'Next: "kcapture status" says what is missing, "kcapture load" arms the machine now.',
  ]);
}

function uninstallText({ removed, kept, notes }: UninstallReport & { readonly notes: readonly string[] }): string {
  return lines([
    ...(removed.length === 0 ? ['Nothing was installed here'] : removed.map((path) => `removed  ${path}`)),
    ...kept.map(({ path, why }) => `kept     ${path}: ${why}`),
    ...notes.map((note) => `note: ${note}`),
  ]);
}

function lines(texts: readonly string[]): string {
  return texts.map((text) => `${printable(text)}\n`).join('');
}
