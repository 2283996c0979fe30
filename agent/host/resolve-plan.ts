/**
 * The configuration resolved against the running machine: what the capture kernel shall do, and what its image needs for that.
 *
 * Comes in: wishes. Goes out: the plan that travels in the image, and lists of files, modules and programs that `requirements` turns into
 * paths in the image. Nothing is written.
 */
import { readMachineId } from '../linux/machine-id.ts';
import { type ArmedPlan, type ArmedTarget, isOnNetwork } from '../config/armed-plan.ts';
import type { Configuration } from '../config/configuration.ts';
import { type KernelModule, openModuleTree } from '../linux/module-tree.ts';
import type { System } from '../sys/system.ts';
import { armNetwork } from './plan/arm-network.ts';
import { chooseModules } from './plan/choose-modules.ts';
import { collectOwnPrograms } from './plan/hook-files.ts';
import { readEarlierPlan } from './plan/earlier-network.ts';
import { hashInputs } from './plan/input-hash.ts';
import type { Needs } from './plan/needs.ts';
import { networkIdentity } from './plan/resolve-network.ts';
import { type ResolvedTarget, resolveTarget } from './plan/resolve-target.ts';
import type { RequiredFile } from './requirements/requirements.ts';

export type ResolveOptions = {
  /** Of the capture kernel. */
  readonly kernelRelease: string;
  readonly build: { readonly version: string; readonly commit: string };
};

export type ResolvedPlan = {
  readonly plan: ArmedPlan;
  /** As they are now; those of the plan have what an earlier image knew where that cannot be told now. */
  readonly targetsNow: readonly ArmedTarget[];
  readonly keyFiles: readonly RequiredFile[];
  /** In load order; `plan.modules` names their places in the image. */
  readonly modules: readonly KernelModule[];
  /** What the script loads before the executable can be mounted. */
  readonly earlyModules: readonly KernelModule[];
  /** Absolute paths on this machine. */
  readonly programs: readonly string[];
  /** Names of libraries opened at run time. */
  readonly libraries: readonly string[];
  readonly warnings: readonly string[];
};

/** Where a module stands in the image, decompressed. */
export function moduleImagePath({ name }: KernelModule): string {
  return `/usr/lib/kcapture/modules/${name}.ko`;
}

/**
 * @throws LinuxError `linux/no-modules` when the kernel's modules are not installed; FilesError.
 */
export function resolvePlan(system: System, configuration: Configuration, { kernelRelease, build }: ResolveOptions): ResolvedPlan {
  const resolved = configuration.targets.map((wish) => resolveTarget(system, wish, configuration));
  const lastResort = resolveLastResort(system, configuration);
  const {
    targets,
    network,
    needs: networkNeeds,
  } = armNetwork(
    system,
    resolved.map(({ target }) => target),
    configuration.targets.some(isOnNetwork) ? readEarlierPlan(system, kernelRelease) : undefined,
  );
  const needs = [...[...resolved, ...lastResort].map((one) => one.needs), networkNeeds];
  const chosen = chooseModules(system, openModuleTree(system, kernelRelease), needs, configuration.extraModules);
  const own = collectOwnPrograms(system, configuration);
  const helpers = findHelpers(system, needs);
  const programs = [...new Set([...helpers.programs, ...own.programs])];
  const keyFiles = needs.flatMap((row) => row.keyFiles);
  const facts = {
    version: 1,
    kcapture: { version: build.version, commit: build.commit },
    host: system.kernel.utsname().host,
    machineId: readMachineId(system),
    kernelRelease,
    targets,
    ...(network === undefined ? {} : { network }),
    ...(lastResort.length === 0 ? {} : { root: lastResort[0].target }),
    modules: chosen.modules.map(moduleImagePath),
  } as const;
  const inputHash = hashInputs(system, {
    facts: { ...facts, targets: targets.map(withoutAddresses), network: network === undefined ? undefined : networkIdentity(network) },
    byContent: [system.executablePath, ...present(configuration.source), ...keyFiles.map(({ source }) => source)],
    byIdentity: [...[...chosen.early, ...chosen.modules].map(({ path }) => path), ...programs],
  });
  const plan: ArmedPlan = { ...facts, builtAt: new Date(system.kernel.wallClockMs()).toISOString(), inputHash };
  return {
    plan,
    targetsNow: resolved.map(({ target }) => target),
    keyFiles,
    modules: chosen.modules,
    earlyModules: chosen.early,
    programs,
    libraries: [...new Set(needs.flatMap((row) => row.libraries))],
    warnings: [
      ...new Set([
        ...needs.flatMap((row) => row.warnings),
        ...chosen.warnings,
        ...own.warnings,
        ...helpers.warnings,
        ...networkWarnings(configuration, targets),
      ]),
    ],
  };
}

/** Names of large services lead to other addresses every minute: those are no reason for another image. */
export function withoutAddresses(target: ArmedTarget): ArmedTarget {
  return isOnNetwork(target) ? { ...target, addresses: [] } : target;
}

/** Where `failure_action dump_to_rootfs` saves: what holds the dump folder on the running system. */
function resolveLastResort(system: System, configuration: Configuration): readonly ResolvedTarget[] {
  const { failureAction, targets } = configuration;
  if (failureAction !== 'dump_to_rootfs' || targets.some(({ kind }) => kind === 'root')) return [];
  return [resolveTarget(system, { kind: 'root', line: 0 }, configuration)];
}

/** The input hash an image would have if it were made now; `status` compares it with the one in the image. */
export function currentInputHash(system: System, configuration: Configuration, options: ResolveOptions): string {
  return resolvePlan(system, configuration, options).plan.inputHash;
}

/** True when something the image was made from has changed. */
export function imageIsStale(system: System, configuration: Configuration, plan: ArmedPlan, build: ResolveOptions['build']): boolean {
  return plan.inputHash !== currentInputHash(system, configuration, { kernelRelease: plan.kernelRelease, build });
}

function findHelpers(system: System, needs: readonly Needs[]): { programs: readonly string[]; warnings: readonly string[] } {
  const programs: string[] = [];
  const warnings: string[] = [];
  for (const name of new Set(needs.flatMap((row) => row.programs))) {
    const path = system.programs.find(name);
    if (path === undefined)
      warnings.push(`The program ${name}, which opens a layer below the target, is not installed: the target will be out of reach.`);
    else programs.push(path);
  }
  return { programs, warnings };
}

function networkWarnings({ fenceKdumpNodes }: Configuration, targets: readonly ArmedTarget[]): readonly string[] {
  if (fenceKdumpNodes.length === 0 || targets.some(isOnNetwork)) return [];
  return ['Without a target on the network it is not brought up in the capture kernel: fence_kdump_nodes has no effect there.'];
}

function present<T>(value: T | undefined): readonly T[] {
  return value === undefined ? [] : [value];
}
