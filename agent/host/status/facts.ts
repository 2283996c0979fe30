/**
 * Everything the status is made of, gathered in one place: the checks only look at this.
 *
 * Works for any user with what he can see; what cannot be seen is `undefined` and said to be unknown.
 */
import type { Breadcrumb } from '../../capture/breadcrumbs.ts';
import type { Configuration } from '../../config/configuration.ts';
import type { Problem } from '../../config/problem.ts';
import { parseCommandLine } from '../../linux/command-line.ts';
import { type Reservation, tryReservation } from '../../linux/crashkernel-reservation.ts';
import { checkKernelConfig, type KernelConfigCheck } from '../../linux/kernel-config.ts';
import { type Lockdown, readLockdown } from '../../linux/lockdown.ts';
import { readMemory } from '../../linux/memory-info.ts';
import { type EventReport, explainEvents, readSysctl } from '../../linux/panic-events.ts';
import { readBreadcrumbs } from '../../capture/breadcrumbs.ts';
import type { System } from '../../sys/system.ts';
import { gatherNeedFacts } from '../estimate/need-facts.ts';
import { type Recommendation, recommend } from '../estimate/recommend.ts';
import { readHostConfiguration } from '../host-configuration.ts';
import { type KexecState, readKexecState } from '../load/kexec-state.ts';
import { type LoadedRecord, readLoadedRecord, whyNotRestorable } from '../load/loaded-record.ts';
import { parseDumpName } from '../../target/dump-name.ts';
import type { ResolveOptions } from '../resolve-plan.ts';
import { byTime, findSaved } from '../saved/find-saved.ts';
import type { SavedDump } from '../saved/saved-dump.ts';
import { savedFolders } from '../saved/saved-folders.ts';
import { type CrashTestResult, judgeCrashTest } from '../test/crash-test.ts';
import { missingCpuFlags } from './cpu-needs.ts';
import { type DumpEstimate, estimateDump } from './dump-estimate.ts';
import { type ImageFacts, readImageFacts } from './image-facts.ts';
import { readServiceState, type ServiceState } from './service.ts';
import { readTargetFacts, type TargetFacts } from './target-facts.ts';

export type StatusFacts = {
  readonly isRoot: boolean;
  /** Of the running kernel. */
  readonly release: string;
  readonly machine: string;
  readonly configuration: Configuration;
  readonly configurationProblems: readonly Problem[];
  /** The kernel's own word on what is reserved and loaded. */
  readonly kexec: KexecState;
  /** What the `crashkernel=` words mean on this machine. */
  readonly wished: { readonly reservation?: Reservation; readonly problem?: string };
  /** What the capture takes, held against what is reserved; `undefined` when nothing is. */
  readonly room: Recommendation | undefined;
  readonly lockdown: Lockdown;
  /** What we loaded in this run of the machine. */
  readonly record: LoadedRecord | undefined;
  /** Why the loaded pair of files could not be loaded again. Root only: the image may be read by nobody else. */
  readonly recordProblem: string | undefined;
  readonly image: ImageFacts;
  readonly targets: readonly TargetFacts[];
  readonly estimate: DumpEstimate | undefined;
  readonly kernelConfigs: { readonly crashing: KernelConfigCheck; readonly capturing: KernelConfigCheck };
  readonly missingCpuFlags: readonly string[] | undefined;
  readonly events: readonly EventReport[];
  /** `kernel.panic`: seconds until a panic without capture kernel reboots. 0: never. */
  readonly panicSeconds: number | undefined;
  readonly kptrRestrict: number | undefined;
  readonly service: ServiceState;
  /** Latest first. */
  readonly captures: readonly SavedDump[];
  /** Within the window of the loop limit. */
  readonly recentCaptures: number;
  readonly breadcrumbs: readonly Breadcrumb[];
  /** Of the last test by a real crash. */
  readonly crashTest: CrashTestResult | undefined;
};

/** Captures that are looked at closely. */
const shownCaptures = 3;

/** @param build this executable's, which is part of what an image is made from. */
export function gatherFacts(system: System, build: ResolveOptions['build']): StatusFacts {
  const { files, kernel } = system;
  const { release, machine } = kernel.utsname();
  const isRoot = kernel.effectiveUserId() === 0;
  const { configuration, problems } = readHostConfiguration(system);
  const record = readLoadedRecord(system);
  const captureRelease = record?.release ?? wishedRelease(configuration) ?? release;
  const image = readImageFacts(system, configuration, captureRelease, build);
  const captures = allCaptures(system);
  const memory = readMemory(files, { pageFlags: isRoot });
  const crashLine = parseCommandLine(files.readTextIfThere('/proc/cmdline') ?? '');
  const kexec = readKexecState(system);
  const wished = tryReservation(crashLine, { machine, memoryBytes: memory?.totalBytes ?? 0 });
  return {
    isRoot,
    release,
    machine,
    configuration,
    configurationProblems: problems,
    kexec,
    wished: { reservation: wished.reservation, problem: wished.problem?.message },
    room: readRoom(system, configuration, build, kexec.reservedBytes ?? 0),
    lockdown: readLockdown(system),
    record,
    recordProblem: record === undefined || !isRoot ? undefined : whyNotRestorable(system, record),
    image,
    targets: (image.plan?.targets ?? []).map((target) =>
      readTargetFacts(system, target, { sshKey: configuration.sshKey, armed: image.armed }),
    ),
    estimate: memory === undefined ? undefined : estimateDump(memory, configuration.collector),
    kernelConfigs: {
      crashing: checkKernelConfig(system, release, ['crashing']),
      capturing: checkKernelConfig(system, captureRelease, ['capturing']),
    },
    missingCpuFlags: missingCpuFlags(files, machine),
    events: explainEvents(files),
    panicSeconds: readSysctl(files, 'kernel.panic'),
    kptrRestrict: readSysctl(files, 'kernel.kptr_restrict'),
    service: readServiceState(files),
    captures: captures.slice(0, shownCaptures),
    recentCaptures: countRecent(captures, kernel.wallClockMs(), configuration.loopLimit.windowSeconds),
    breadcrumbs: readBreadcrumbs(system),
    crashTest: judgeCrashTest(system),
  };
}

function readRoom(
  system: System,
  configuration: Configuration,
  build: ResolveOptions['build'],
  reservedBytes: number,
): Recommendation | undefined {
  if (reservedBytes === 0) return undefined;
  const { facts } = gatherNeedFacts(system, { configuration, kernel: undefined, build });
  return recommend(facts, reservedBytes, system.kernel.utsname().machine);
}

/** A file does not tell its release by its name. */
function wishedRelease({ kernel }: Configuration): string | undefined {
  return kernel?.includes('/') ? undefined : kernel;
}

/** All captures that can be reached, latest first. */
function allCaptures(system: System): readonly SavedDump[] {
  const { folders } = savedFolders(system);
  return folders
    .flatMap((folder) => findSaved(system.files, folder))
    .sort(byTime)
    .reverse();
}

/** The capture run counts in the same way, by the times in the names of the folders. */
function countRecent(captures: readonly SavedDump[], nowMs: number, windowSeconds: number): number {
  const ages = captures.map(({ name }) => nowMs - (parseDumpName(name)?.timeMs ?? Number.NEGATIVE_INFINITY));
  return ages.filter((ageMs) => ageMs >= 0 && ageMs < windowSeconds * 1000).length;
}
