/**
 * Everything `kcapture load` would do, but for the load: settings, image in a work folder, the packed executable, kernel and command line; and a file written
 * to each target and removed again. What was loaded stays loaded, what was made stays as it was.
 */
import type { Configuration } from '../../config/configuration.ts';
import { formatBytes } from '../../binary/units.ts';
import { KcaptureError } from '../../errors.ts';
import type { System } from '../../sys/system.ts';
import { type BuiltImage, buildImage } from '../image/build-image.ts';
import { type LoadPlan, planLoad, problemsOf } from '../load/load.ts';
import { payloadPath, planPath } from '../paths.ts';
import { readHostConfiguration } from '../host-configuration.ts';
import type { ResolveOptions } from '../resolve-plan.ts';
import type { Check } from '../status/check.ts';
import { probeTarget } from './probe-target.ts';
import { TestError } from './test-error.ts';

export type DryRunRequest = {
  /** A release or a file; over the configuration's. */
  readonly kernel: string | undefined;
  readonly build: ResolveOptions['build'];
};

export type DryRun = {
  readonly passed: boolean;
  readonly checks: readonly Check[];
  /** What would be loaded; `undefined`: it did not come to that. */
  readonly plan: LoadPlan | undefined;
  readonly problems: readonly KcaptureError[];
};

export async function runDryTest(system: System, request: DryRunRequest): Promise<DryRun> {
  const { configuration, problems } = readHostConfiguration(system);
  const checks: Check[] = [];
  for (const { severity, line, message } of problems) {
    checks.push({
      name: 'settings',
      level: severity === 'error' ? 'fail' : 'note',
      text: `line ${line}: ${message}`,
      hint: 'kcapture config check',
    });
  }
  if (checks.length === 0) checks.push({ name: 'settings', level: 'ok', text: configuration.source ?? 'built-in defaults' });
  const work = system.files.makeWorkFolder();
  try {
    const prepared = tryStep(checks, 'image', () => prepare(system, configuration, request, work));
    if (prepared !== undefined) checks.push(...describeImage(prepared.image), proveExecutable(system, request, work));
    const against = prepared === undefined ? [] : problemsOf(system, prepared.plan);
    if (prepared !== undefined) checks.push(...describeLoad(prepared.plan, against));
    for (const [index, target] of (prepared?.image.plan.targets ?? []).entries()) {
      const { deviceTimeoutSeconds, sshKey } = configuration;
      checks.push(...(await probeTarget(system, target, { index, deviceTimeoutSeconds, sshKey })));
    }
    return { passed: !checks.some(({ level }) => level === 'fail'), checks, plan: prepared?.plan, problems: against };
  } finally {
    system.files.removeTree(work);
  }
}

function tryStep<T>(checks: Check[], name: string, step: () => T): T | undefined {
  try {
    return step();
  } catch (error) {
    if (!(error instanceof KcaptureError)) throw error;
    checks.push({ name, level: 'fail', text: error.message, hint: error.hint ?? 'kcapture status' });
    return undefined;
  }
}

/** The image is made anew, whether it is up to date or not; the plan beside the real one is put back. */
function prepare(
  system: System,
  configuration: Configuration,
  { kernel, build }: DryRunRequest,
  work: string,
): { image: BuiltImage; plan: LoadPlan } {
  let image: BuiltImage | undefined;
  const chooseImage = (release: string) => {
    const before = system.files.readTextIfThere(planPath(release));
    try {
      image = buildImage(system, { configuration, kernelRelease: release, build, output: `${work}/image` });
    } finally {
      if (before !== undefined) system.files.write(planPath(release), before, 0o600);
      else system.files.remove(planPath(release));
    }
    const { path, commandLineWords, warnings, generator } = image;
    return { path, finalPath: path, commandLineWords, warnings, origin: `made for the test by ${generator}`, discard: () => {} };
  };
  const plan = planLoad(system, { configuration, kernel, chooseImage }, { store: false });
  if (image === undefined) throw new TestError('test/no-kernel', 'Cannot test the load: no image was asked for');
  return { image, plan };
}

function describeImage({ generator, sizeBytes, warnings, plan }: BuiltImage): readonly Check[] {
  const text = `made by ${generator}, ${formatBytes(sizeBytes)}, ${plan.modules.length} kernel modules, for ${plan.kernelRelease}`;
  return [
    { name: 'image', level: 'ok', text },
    ...warnings.map((warning): Check => ({ name: 'image', level: 'note', text: warning.replace(/\.$/, '') })),
  ];
}

/** Unpacks what the image carries and runs it. */
function proveExecutable(system: System, { build }: DryRunRequest, work: string): Check {
  const name = 'executable';
  const packed = payloadPath(system.files.sha256(system.executablePath));
  const hint = 'Install squashfs-tools, then: kcapture load --rebuild';
  if (system.files.status(packed) === undefined) return { name, level: 'note', text: 'it is in the image as it is, not packed', hint };
  const unpacked = system.programs.run(['unsquashfs', '-no-progress', '-quiet', '-d', `${work}/unpacked`, packed], { timeoutMs: 300_000 });
  if (unpacked.status !== 0) return { name, level: 'fail', text: `"${packed}" cannot be unpacked: status ${unpacked.status}`, hint };
  const { status, stdout } = system.programs.run([`${work}/unpacked/kcapture`, 'version'], { timeoutMs: 60_000 });
  if (status === 0 && stdout.startsWith(`kcapture ${build.version} (${build.commit}`)) {
    return { name, level: 'ok', text: `the packed one starts: ${stdout.trim()}` };
  }
  return { name, level: 'fail', text: `the packed one does not start: status ${status}, "${stdout.trim().slice(0, 100)}"`, hint };
}

function describeLoad({ kernel, line }: LoadPlan, problems: readonly KcaptureError[]): readonly Check[] {
  if (problems.length === 0)
    return [{ name: 'load', level: 'ok', text: `${kernel.path} with ${line.text.length} characters of command line could be loaded` }];
  return problems.map(({ message, hint }) => ({ name: 'load', level: 'fail', text: message, hint: hint ?? 'kcapture load --dry-run' }));
}
