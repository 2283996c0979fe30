/**
 * The capture image on disk, and what would be made now: the same, or what is different.
 *
 * The plan that lies beside the image is the one inside it.
 */
import { readPlan } from '../../capture/plan.ts';
import type { ArmedPlan } from '../../config/armed-plan.ts';
import type { Configuration } from '../../config/configuration.ts';
import { KcaptureError } from '../../errors.ts';
import type { System } from '../../sys/system.ts';
import { imagePath, planPath } from '../paths.ts';
import { networkIdentity } from '../plan/resolve-network.ts';
import { type ResolvedPlan, type ResolveOptions, resolvePlan, withoutAddresses } from '../resolve-plan.ts';

export type ImageFacts = {
  readonly path: string;
  /** False also when it may not be seen. */
  readonly isThere: boolean;
  readonly sizeBytes: number;
  /** Others than its owner may read it, with the keys in it. */
  readonly isOpen: boolean;
  /** The configuration resolved now. */
  readonly plan: ArmedPlan | undefined;
  /** The plan in the image; `undefined`: there is none, or it may not be read. */
  readonly armed: ArmedPlan | undefined;
  /** What the resolution has to say: parts that will be missing. */
  readonly warnings: readonly string[];
  /** Why it could not be resolved. */
  readonly planProblem: { readonly text: string; readonly hint: string | undefined } | undefined;
  /** True when both plans could be compared and are the same. */
  readonly isKnownFresh: boolean;
  /** What changed since the image was made, for people. */
  readonly staleBecause: string | undefined;
};

/** @param release of the capture kernel. */
export function readImageFacts(system: System, configuration: Configuration, release: string, build: ResolveOptions['build']): ImageFacts {
  const path = imagePath(release);
  const status = system.files.status(path);
  const now = tryTo(() => resolvePlan(system, configuration, { kernelRelease: release, build }));
  const stored = tryTo(() => readPlan(system, planPath(release)));
  const staleBecause = status === undefined ? undefined : whyStale(stored.value, stored.error, now.value);
  return {
    path,
    isThere: status?.kind === 'file',
    sizeBytes: status?.sizeBytes ?? 0,
    isOpen: ((status?.mode ?? 0) & 0o077) !== 0,
    plan: now.value === undefined ? undefined : { ...now.value.plan, targets: now.value.targetsNow },
    armed: status === undefined ? undefined : stored.value,
    warnings: now.value?.warnings ?? [],
    planProblem: now.error === undefined ? undefined : { text: now.error.message, hint: now.error.hint },
    isKnownFresh: stored.value !== undefined && stored.value.inputHash === now.value?.plan.inputHash,
    staleBecause,
  };
}

function tryTo<T>(action: () => T): { value?: T; error?: KcaptureError } {
  try {
    return { value: action() };
  } catch (error) {
    if (error instanceof KcaptureError) return { error };
    throw error;
  }
}

/** Members of the plan whose change people understand, most telling first. */
const members: readonly (readonly [keyof ArmedPlan, string])[] = [
  ['kcapture', 'it was made by another build of kcapture'],
  ['network', 'the network that leads to the targets is different now'],
  ['targets', 'the targets or the devices below them are different now'],
  ['modules', 'other kernel modules are needed now'],
  ['host', 'the machine has another name now'],
  ['machineId', 'the machine has another identity now'],
];

function whyStale(stored: ArmedPlan | undefined, error: KcaptureError | undefined, now: ResolvedPlan | undefined): string | undefined {
  if (error !== undefined) return error.message;
  if (stored === undefined || now === undefined || stored.inputHash === now.plan.inputHash) return undefined;
  const changed = members.find(([member]) => tell(stored, member) !== tell(now.plan, member));
  return changed?.[1] ?? 'the configuration, a module, a key file, a hook or the executable has changed since';
}

function tell(plan: ArmedPlan, member: keyof ArmedPlan): string {
  if (member === 'network') return plan.network === undefined ? '' : networkIdentity(plan.network);
  return JSON.stringify(member === 'targets' ? plan.targets.map(withoutAddresses) : plan[member]);
}
