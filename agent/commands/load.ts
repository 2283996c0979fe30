/** `kcapture load`: loads the kernel that will run when this one crashes. */
import { Command, Option } from 'commander';
import { resolve } from 'node:path';
import { formatProblem } from '../config/problem.ts';
import { UsageError } from '../errors.ts';
import { warnIfTight } from '../host/estimate/warn-if-tight.ts';
import { readHostConfiguration } from '../host/host-configuration.ts';
import { chooseImage } from '../host/load/choose-image.ts';
import { formatLoaded, formatPlan } from '../host/load/format-load.ts';
import { executeLoad, type LoadPlan, type LoadRequest, planLoad, problemsOf } from '../host/load/load.ts';
import { readLoadSetting, settingProblems } from '../host/load/load-conditions.ts';
import { withLoadLock } from '../host/load/load-lock.ts';
import { reload } from '../host/load/reload.ts';
import type { System } from '../sys/system.ts';
import type { SetExit } from './set-exit.ts';
import type { BuildInfo } from './version.ts';

type Flags = { kernel?: string; image?: string; rebuild?: true; dryRun?: true; reload?: true; json?: true };

export function loadCommand(system: System, build: BuildInfo, setExit: SetExit): Command {
  return new Command('load')
    .summary('load the kernel that captures a crash')
    .description('Finds the kernel, makes its image when there is none or it is out of date, and hands both to the running kernel.')
    .option('--kernel <RELEASE|FILE>', 'the capture kernel (default: the configured one, else the running one)')
    .option('--image <FILE>', 'an image of your own instead of the one kcapture makes')
    .option('--rebuild', 'make the image anew, even if it is up to date')
    .option('-n, --dry-run', 'show what would be loaded and what speaks against it; change nothing')
    .addOption(
      new Option('--reload', 'load the same files again, after memory or CPUs were plugged').conflicts([
        'kernel',
        'image',
        'rebuild',
        'dryRun',
      ]),
    )
    .option('--json', 'print the result as JSON')
    .action((flags: Flags) => {
      if (flags.reload) reloadNow(system, flags);
      else if (flags.dryRun) showPlan(system, build, flags, setExit);
      else loadNow(system, build, flags);
    });
}

function loadNow(system: System, build: BuildInfo, flags: Flags): void {
  // Before minutes go into an image that cannot be loaded.
  const [problem] = settingProblems(system, readLoadSetting(system));
  if (problem !== undefined) throw problem;
  const request = readRequest(system, build, flags);
  const { plan, result } = withLoadLock(system, () => {
    const made = planLoad(system, request, { store: true });
    return { plan: made, result: executeLoad(system, made) };
  });
  const tight = warnIfTight(system, { configuration: request.configuration, kernel: flags.kernel, build, imageBytes: plan.imageBytes });
  const warnings = [...result.warnings, ...(tight === undefined ? [] : [tight])];
  for (const warning of warnings) system.printError(`kcapture: warning: ${warning}\n`);
  system.print(flags.json ? `${JSON.stringify({ ...result, warnings }, undefined, 2)}\n` : formatLoaded(plan, result));
}

function showPlan(system: System, build: BuildInfo, flags: Flags, setExit: SetExit): void {
  const plan = planLoad(system, readRequest(system, build, flags), { store: false });
  const problems = problemsOf(system, plan);
  for (const warning of plan.warnings) system.printError(`kcapture: warning: ${warning}\n`);
  system.print(flags.json ? `${JSON.stringify(toJson(plan, problems), undefined, 2)}\n` : formatPlan(plan, problems));
  if (problems.length > 0) setExit(1);
}

function reloadNow(system: System, flags: Flags): void {
  const result = reload(system);
  const text = {
    done: 'Loaded the same files again',
    nothing: 'Nothing of kcapture is loaded: nothing to do',
    left: 'Another process does it',
  }[result];
  system.print(flags.json ? `${JSON.stringify({ result })}\n` : `${text}\n`);
}

function readRequest(system: System, build: BuildInfo, flags: Flags): LoadRequest {
  const { configuration, problems } = readHostConfiguration(system);
  for (const problem of problems) system.printError(`kcapture: ${formatProblem(configuration.source ?? 'configuration', problem)}`);
  if (flags.kernel === '') throw new UsageError('usage/kernel', 'Cannot load the kernel "": expected a release or a file');
  const wish = {
    configuration,
    build,
    file: flags.image && resolve(flags.image),
    rebuild: flags.rebuild === true,
    dryRun: flags.dryRun === true,
  };
  return { configuration, kernel: flags.kernel, chooseImage: (release) => chooseImage(system, wish, release) };
}

function toJson(plan: LoadPlan, problems: ReturnType<typeof problemsOf>) {
  const { kernel, image, imageBytes, line, setting } = plan;
  return {
    kernel: { path: kernel.path, source: kernel.source, release: kernel.release, sha256: kernel.sha256, signed: kernel.image.signed },
    image: { path: image.finalPath, sizeBytes: imageBytes, origin: image.origin },
    commandLine: { text: line.text, removed: line.removed, added: line.added },
    reservedBytes: setting.regionBytes,
    problems: problems.map(({ code, message, hint }) => ({ code, message, hint })),
    warnings: plan.warnings,
  };
}
