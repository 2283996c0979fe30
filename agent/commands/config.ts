/** `kcapture config`: is the configuration right, what does it mean, what could it say? */
import { resolve } from 'node:path';
import { Command } from 'commander';
import { ConfigError } from '../config/config-error.ts';
import { describeConfiguration } from '../config/describe.ts';
import { directives } from '../config/directive-table.ts';
import { formatConfiguration } from '../config/format-configuration.ts';
import { kernelWords } from '../config/kernel-words.ts';
import { formatProblem } from '../config/problem.ts';
import { type Reading, readConfiguration } from '../config/read-configuration.ts';
import { redact } from '../config/redact.ts';
import { readHostConfiguration } from '../host/host-configuration.ts';
import { hostPaths } from '../host/paths.ts';
import type { System } from '../sys/system.ts';
import type { SetExit } from './set-exit.ts';

type Flags = { json?: true };

export function configCommand(system: System, setExit: SetExit): Command {
  const config = new Command('config')
    .summary('check and explain the configuration')
    .description(`Reads ${hostPaths.configurations.join(', else ')}. Without a file the defaults hold.`);
  config
    .command('check')
    .description('Say what is wrong in the configuration, with the line and what was meant; else what it means. Exit code 1 on errors.')
    .argument('[FILE]', 'another file')
    .option('--json', 'print as JSON')
    .action((file: string | undefined, flags: Flags) => check(system, setExit, file, flags));
  config
    .command('show')
    .description('Print the effective configuration, defaults included and secrets left out.')
    .argument('[FILE]', 'another file')
    .option('--json', 'print as JSON')
    .action((file: string | undefined, flags: Flags) => show(system, file, flags));
  config
    .command('directives')
    .description('List what a configuration can say.')
    .option('--json', 'print as JSON')
    .action((flags: Flags) => system.print(flags.json ? directivesJson() : directivesText()));
  return config;
}

function check(system: System, setExit: SetExit, file: string | undefined, flags: Flags): void {
  const { configuration, problems } = load(system, file);
  const errors = problems.filter(({ severity }) => severity === 'error').length;
  if (errors > 0) setExit(1);
  if (flags.json) {
    system.print(toJson({ file: configuration.source, errors, warnings: problems.length - errors, problems }));
    return;
  }
  system.print(problems.map((problem) => formatProblem(configuration.source ?? 'defaults', problem)).join(''));
  if (errors === 0) system.print(`${configuration.source ?? noFile}:\n${describeConfiguration(configuration)}`);
  else
    system.print(
      `${count(errors, 'error')}, ${count(problems.length - errors, 'warning')}. A capture runs all the same, without these lines.\n`,
    );
}

const noFile = `There is no ${hostPaths.configurations.join(' and no ')}: the defaults hold`;

function show(system: System, file: string | undefined, flags: Flags): void {
  const { configuration, problems } = load(system, file);
  system.printError(problems.map((problem) => formatProblem(configuration.source ?? 'defaults', problem)).join(''));
  if (flags.json) system.print(toJson(configuration));
  else system.print(`# ${configuration.source ?? noFile}\n${redact(formatConfiguration(configuration))}`);
}

/** @throws ConfigError `config/missing` for a file that was named and cannot be read */
function load(system: System, file: string | undefined): Reading {
  if (file === undefined) return readHostConfiguration(system);
  const path = resolve(file);
  const kind = system.files.status(path)?.kind;
  const text = kind === 'file' ? system.files.readTextIfThere(path) : undefined;
  if (text !== undefined) return readConfiguration(text, path);
  const found = kind === undefined ? 'there is no such file' : kind === 'file' ? 'permission denied' : `a ${kind}, expected a file`;
  throw new ConfigError('config/missing', `Cannot read "${path}": ${found}`, { where: path });
}

/** Every text in it redacted, before quotes and escapes come in between. */
function toJson(value: unknown): string {
  return `${JSON.stringify(value, (_key, each: unknown) => (typeof each === 'string' ? redact(each) : each), 2)}\n`;
}

function count(number: number, noun: string): string {
  return `${number} ${noun}${number === 1 ? '' : 's'}`;
}

function directivesText(): string {
  const blocks = directives.map((each) => {
    const former = each.formerName === undefined ? '' : ` (formerly ${each.formerName})`;
    return `${each.name} ${each.value}${former}\n    ${each.meaning}\n    Default: ${each.default}\n`;
  });
  const words = kernelWords.map(({ name, value, meaning }) => `${name}=${value}\n    ${meaning}\n`);
  return `${blocks.join('')}\nOn the capture kernel's command line:\n${words.join('')}`.replace(/`/g, '"');
}

function directivesJson(): string {
  const rows = directives.map(
    ({ name, formerName, value, meaning, default: preset, examples, origin, repeats = false, isTarget = false }) => ({
      name,
      formerName,
      value,
      meaning,
      default: preset,
      examples,
      origin,
      repeats: repeats || isTarget,
    }),
  );
  return toJson({ directives: rows, kernelWords });
}
