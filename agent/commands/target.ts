/** `kcapture target`: sets up, tries and takes away targets on the network. */
import { Command } from 'commander';
import { printable } from '../binary/printable.ts';
import { formatBytes } from '../binary/units.ts';
import { formatRemoteUrl } from '../config/remote-url.ts';
import { UsageError } from '../errors.ts';
import { readHostConfiguration } from '../host/host-configuration.ts';
import { createPaint, formatChecks } from '../host/status/format-checks.ts';
import { type Added, type AddWish, addTarget } from '../host/target/add-target.ts';
import { armNetworkTarget, type CheckedTarget, checkTarget } from '../host/target/check-target.ts';
import { type ListedTarget, listTargets } from '../host/target/list-targets.ts';
import { recordTrial } from '../host/target/record-trial.ts';
import { isNetworkWish, type NetworkWish, readTargetUrl } from '../host/target/read-target-url.ts';
import { removeTarget } from '../host/target/remove-target.ts';
import type { System } from '../sys/system.ts';
import type { SetExit } from './set-exit.ts';
import { targetHelp } from './target-help.ts';

type Flags = { json?: true };

export function targetCommand(system: System, setExit: SetExit): Command {
  const target = new Command('target')
    .summary('set up, try and take away targets on the network')
    .description(
      'Servers that take dumps: by ssh, http, S3 or NFS. Each has its credentials in a folder of its own below /etc/kcapture/targets.',
    )
    .addHelpText('after', targetHelp);
  addCommand(target, system, setExit);
  target
    .command('check')
    .description(
      'Try targets as a capture would use them, change nothing. Without a URL: those of the configuration. Exit code 1 when one fails.',
    )
    .argument('[URL...]', 'ssh://, http://, https://, s3:// or nfs://')
    .option('--json', 'print as JSON')
    .action((urls: string[], flags: Flags) => check(system, urls, flags, setExit));
  target
    .command('remove')
    .description('Delete the credentials of a target from this machine.')
    .argument('<URL>', 'as it was added')
    .action((url: string) => remove(system, url));
  target
    .command('list')
    .description('List the targets of the configuration, and others that have credentials here.')
    .option('--json', 'print as JSON')
    .action((flags: Flags) => list(system, flags));
  return target;
}

function addCommand(target: Command, system: System, setExit: SetExit): void {
  target
    .command('add')
    .description('Make or take what proves who we are and who the server is, then try the target. Run it again to change something.')
    .argument('<URL>', 'ssh://, http://, https://, s3:// or nfs://')
    .option('--key <FILE>', 'ssh: a private key to copy instead of a new one')
    .option('--host-key <SHA256:…>', 'ssh: fingerprint of the right host key')
    .option('--accept-host-key', 'ssh: pin whatever key the server shows now')
    .option('--user <NAME>', 'http: user, with a password that is asked for')
    .option('--password-file <FILE>', 'http: the password, "-" for standard input')
    .option('--token-file <FILE>', 'http: a bearer token, "-" for standard input')
    .option('--access-key-file <FILE>', 's3: id and secret on two lines, or the file of the aws program; "-" for standard input')
    .option('--profile <NAME>', 's3: section of the file of the aws program (default: default)')
    .option('--instance-metadata', 's3: the key that the cloud lends this machine; it ends after some hours')
    .option('--ca <FILE>', "http, s3: certificates of the authority that signed the server's")
    .option('--client-cert <FILE>', 'http: certificate that shows who we are')
    .option('--client-key <FILE>', 'http: its key')
    .option('--json', 'print as JSON')
    .action((url: string, { json, ...wish }: AddWish & Flags) => add(system, url, wish, json === true, setExit));
}

async function add(system: System, text: string, options: AddWish, json: boolean, setExit: SetExit): Promise<void> {
  const { configuration } = readHostConfiguration(system);
  const wish = readTargetUrl(text, configuration.targets);
  const added = await addTarget(system, wish, options);
  if (!json) system.print(describeAdded(added));
  const target = armNetworkTarget(system, wish, configuration);
  const checked = await checkTarget(system, target, { sshKey: configuration.sshKey, isAdded: true });
  recordTrial(system, target, checked);
  if (!checked.passed) setExit(1);
  const isConfigured = configuration.targets.some((one) => isNetworkWish(one) && sameTarget(one, wish));
  if (json) system.print(`${JSON.stringify({ ...checked, ...added, isConfigured }, undefined, 2)}\n`);
  else
    system.print(
      `${describeChecked(system, checked)}\n${nextStep(checked, added, { written: wish.kind === 'nfs' ? text : checked.url, isConfigured })}`,
    );
}

function describeAdded({ folder, done, authorizedLine }: Added): string {
  const where = folder === undefined ? '' : `${folder}\n`;
  const said = done.map((sentence) => `  ${sentence}\n`).join('');
  if (authorizedLine === undefined) return `${where}${said}\n`;
  return `${where}${said}\nOne line for ~/.ssh/authorized_keys of that user on the server; it lets in files and nothing else:\n${authorizedLine}\n\n`;
}

type InConfiguration = { /** As its line there names it. */ readonly written: string; readonly isConfigured: boolean };

function nextStep({ passed }: CheckedTarget, { authorizedLine }: Added, { written, isConfigured }: InConfiguration): string {
  if (!passed) {
    const first =
      authorizedLine === undefined ? 'Mend what failed' : 'Put the line above into authorized_keys on the server, if it is not there';
    // A check would change nothing: what is found out about the server has to be kept.
    return `${first}; then again, what was made is kept: kcapture target add '${written}'\n`;
  }
  return isConfigured
    ? 'Now: kcapture load --rebuild\n'
    : `Write into /etc/kcapture.conf:\ntarget ${written}\nthen: kcapture load --rebuild\n`;
}

function sameTarget(one: NetworkWish, other: NetworkWish): boolean {
  if (one.kind === 'nfs' || other.kind === 'nfs') return one.kind === 'nfs' && other.kind === 'nfs' && one.source === other.source;
  return formatRemoteUrl(one.place) === formatRemoteUrl(other.place);
}

async function check(system: System, urls: readonly string[], flags: Flags, setExit: SetExit): Promise<void> {
  const { configuration } = readHostConfiguration(system);
  const wishes =
    urls.length > 0 ? urls.map((url) => readTargetUrl(url, configuration.targets)) : configuration.targets.filter(isNetworkWish);
  if (wishes.length === 0) {
    throw new UsageError('usage/target', 'Cannot check a target: none of the configuration is on the network', {
      hint: 'kcapture target check URL',
    });
  }
  const results: CheckedTarget[] = [];
  for (const wish of wishes) {
    const checked = await checkTarget(system, armNetworkTarget(system, wish, configuration), configuration);
    results.push(checked);
    if (!flags.json) system.print(describeChecked(system, checked));
  }
  if (results.some(({ passed }) => !passed)) setExit(1);
  if (flags.json) system.print(`${JSON.stringify({ targets: results }, undefined, 2)}\n`);
}

function describeChecked(system: System, { url, checks, passed }: CheckedTarget): string {
  const paint = createPaint(system.errorIsTerminal && system.environment('NO_COLOR') === undefined);
  const verdict = passed ? paint('ok', 'PASSED') : paint('fail', 'FAILED');
  return [printable(url), ...formatChecks(checks, paint), `${verdict}\n`].join('\n');
}

function remove(system: System, text: string): void {
  const { configuration } = readHostConfiguration(system);
  const { folder, wasThere, notes } = removeTarget(system, readTargetUrl(text, configuration.targets), configuration);
  const said = [wasThere ? `removed  ${folder}` : `There are no credentials for it: ${folder} is not there`, ...notes];
  system.print(said.map((line) => `${line}\n`).join(''));
}

function list(system: System, flags: Flags): void {
  const all = listTargets(system, readHostConfiguration(system).configuration);
  if (flags.json) system.print(`${JSON.stringify({ targets: all }, undefined, 2)}\n`);
  else system.print(all.length === 0 ? 'No targets on the network: kcapture target add URL\n' : all.map(describeListed).join(''));
}

function describeListed({ url, folder, isConfigured, checkedAt, bytesPerSecond, problems }: ListedTarget): string {
  const rate = bytesPerSecond === undefined ? '' : `, ${formatBytes(bytesPerSecond)} a second`;
  const tried = checkedAt === undefined ? 'never tried' : `tried ${checkedAt.slice(0, 10)}${rate}`;
  const lines = [`${isConfigured ? '' : 'not in the configuration; '}${tried}`, folder, ...problems];
  return `${printable(url ?? '(unknown)')}\n${lines.map((line) => `  ${printable(line)}\n`).join('')}`;
}
