/**
 * Brings configuration, plan and the kernel's command line together. What cannot be read is left out and told: a capture with defaults is better than none.
 */
import { type ArmedPlan, imagePaths } from '../config/armed-plan.ts';
import type { Configuration } from '../config/configuration.ts';
import { defaultConfiguration } from '../config/defaults.ts';
import { applyKernelWords } from '../config/kernel-words.ts';
import type { Problem } from '../config/problem.ts';
import { readConfiguration } from '../config/read-configuration.ts';
import { redact } from '../config/redact.ts';
import { looksLikeUrl, parseRemoteUrl } from '../config/remote-url.ts';
import type { System } from '../sys/system.ts';
import type { CaptureTarget } from '../target/open-target.ts';
import { namedTarget } from '../target/remote/named-target.ts';
import { asKcaptureError } from './capture-error.ts';
import { isCaptureKernel } from './kernel-tuning.ts';
import { readPlan } from './plan.ts';
import type { CaptureMode, CaptureSettings } from './settings.ts';
import { targetsOfWishes } from './wishes.ts';

export type SettingsRequest = {
  readonly source: string;
  readonly mode: CaptureMode;
  readonly unattended: boolean;
  readonly startedAt: number;
  readonly build: { readonly version: string; readonly commit: string };
  /** Folders, or URLs of places on servers, named by hand: neither plan nor hooks then. Empty: the plan says where. */
  readonly folders: readonly string[];
  /** Folder of credentials for those URLs. Default: the one of each place. */
  readonly credentials?: string;
  /** What was found out about the server of such a URL, by the folder of its credentials. Default: nothing. */
  readonly serverFacts?: (credentials: string) => { readonly url: string | undefined; readonly canRename: boolean };
  readonly isBrokenOff?: () => boolean;
  /** Instead of the usual places. */
  readonly configurationPath: string | undefined;
  readonly planPath: string | undefined;
};

/** Never throws. */
export function readSettings(system: System, request: SettingsRequest): CaptureSettings {
  const inCaptureKernel = isCaptureKernel(system);
  const problems: string[] = [];
  const written = readWritten(system, request, problems);
  const words = inCaptureKernel ? (system.files.readTextIfThere('/proc/cmdline', 65536) ?? '') : '';
  const { configuration, switches, problems: wordProblems } = applyKernelWords(written, words);
  problems.push(...wordProblems.map(({ message }) => message));
  const byHand = request.folders.length > 0;
  const plan = byHand ? undefined : readSoundPlan(system, request.planPath, problems);
  const { source, mode, unattended, startedAt, build, isBrokenOff } = request;
  const targets = byHand
    ? request.folders.map((folder) => targetByHand(folder, configuration.path, request))
    : chooseTargets(plan, written, configuration);
  const run = {
    source,
    mode,
    unattended,
    startedAt,
    build,
    isBrokenOff,
    inCaptureKernel,
    skip: switches.skip,
    hooks: mode === 'full' && !byHand,
  };
  return { ...run, configuration, plan, targets, problems };
}

function targetByHand(text: string, path: string, { credentials, serverFacts }: SettingsRequest): CaptureTarget {
  if (!looksLikeUrl(text)) return { kind: 'folder', wish: text, folder: text };
  try {
    const target = namedTarget(parseRemoteUrl(text), { path, credentials });
    const facts = serverFacts?.(target.credentials);
    return { ...target, canRename: facts?.url === target.wish && facts.canRename };
  } catch (error) {
    return { kind: 'unsupported', wish: redact(text), why: asKcaptureError(error).message };
  }
}

function readWritten({ files }: System, { configurationPath, folders }: SettingsRequest, problems: string[]): Configuration {
  const paths = configurationPath === undefined ? [imagePaths.configuration, '/etc/kdump.conf'] : [configurationPath];
  for (const path of paths) {
    const text = files.readTextIfThere(path);
    if (text === undefined) continue;
    const reading = readConfiguration(text, path);
    problems.push(...reading.problems.map((problem) => sentence(path, problem)));
    return reading.configuration;
  }
  if (configurationPath !== undefined || folders.length === 0) problems.push(`There is no ${paths[0]}: defaults hold`);
  return defaultConfiguration;
}

function sentence(path: string, { line, message }: Problem): string {
  return `${path}${line === 0 ? '' : `:${line}`}: ${message}`;
}

function readSoundPlan(system: System, path: string | undefined, problems: string[]): ArmedPlan | undefined {
  try {
    const plan = readPlan(system, path);
    if (plan === undefined) problems.push(`There is no ${path ?? imagePaths.plan}: only what the configuration names is tried`);
    return plan;
  } catch (error) {
    problems.push(asKcaptureError(error).message);
    return undefined;
  }
}

/** What the command line says wins over the plan, and the plan over what was written when it was made. */
function chooseTargets(plan: ArmedPlan | undefined, written: Configuration, configuration: Configuration): readonly CaptureTarget[] {
  if (plan === undefined || configuration.targets !== written.targets) return targetsOfWishes(configuration, plan);
  const withRoot = configuration.failureAction === 'dump_to_rootfs' && plan.root !== undefined;
  const targets = withRoot ? [...plan.targets, plan.root] : plan.targets;
  if (configuration.path === written.path) return targets;
  return targets.map((target) => inFolder(target, written.path, configuration.path));
}

/** A folder that stands in the URL of a target is not the one that `path` says. */
function inFolder(target: CaptureTarget, before: string, folder: string): CaptureTarget {
  if (target.kind === 'filesystem' || target.kind === 'nfs') return { ...target, folder };
  if (target.kind !== 'remote' || target.place.kind !== 'ssh' || target.place.path !== before) return target;
  return { ...target, place: { ...target.place, path: folder } };
}
