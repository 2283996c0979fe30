/** What a run in a virtual machine starts with: the kernel, image and command line that `kcapture load` would use now. */
import { readPlan } from '../../../capture/plan.ts';
import type { ArmedPlan } from '../../../config/armed-plan.ts';
import type { Configuration } from '../../../config/configuration.ts';
import { MiB } from '../../../binary/units.ts';
import { KcaptureError } from '../../../errors.ts';
import type { System } from '../../../sys/system.ts';
import { readHostConfiguration } from '../../host-configuration.ts';
import { chooseImage } from '../../load/choose-image.ts';
import { readKexecState } from '../../load/kexec-state.ts';
import { type LoadPlan, planLoad } from '../../load/load.ts';
import { planPath } from '../../paths.ts';
import type { ResolveOptions } from '../../resolve-plan.ts';
import { TestError } from '../test-error.ts';
import type { VmTestRequest } from './vm-test.ts';

export type VmWish = {
  /** A release or a file; over the configuration's. */
  readonly kernel: string | undefined;
  /** An image instead of the one kcapture makes. */
  readonly image: string | undefined;
  /** `undefined`: what is reserved now, else 256 MiB. */
  readonly memoryBytes: number | undefined;
  readonly timeoutMs: number;
  readonly workFolder: string;
  readonly build: ResolveOptions['build'];
};

export type PreparedVm = {
  readonly request: VmTestRequest;
  readonly plan: LoadPlan;
  /** Takes an image away that was only made for the test. */
  discard(): void;
};

const defaultMemoryBytes = 256 * MiB;
/** The low part of the virtual machine ends here at the latest. */
const largestMemoryBytes = 2048 * MiB;
const leastMemoryBytes = 32 * MiB;

/** @throws TestError `test/not-here`, `test/no-kernel`; what preparing a load throws. */
export function prepareVm(system: System, wish: VmWish): PreparedVm {
  const { machine } = system.kernel.utsname();
  if (machine !== 'x86_64') {
    const hint = 'Use "kcapture test" without --vm, and "kcapture test --crash" on a machine that may crash.';
    throw new TestError(
      'test/not-here',
      `Cannot test in a virtual machine on ${machine}: only x86_64 can be made to see a crash that never was`,
      { hint },
    );
  }
  const memoryBytes = checkMemory(wish.memoryBytes ?? reservedBytes(system));
  const { configuration } = readHostConfiguration(system);
  const imageWish = { configuration, build: wish.build, file: wish.image, rebuild: false, dryRun: false };
  const plan = planLoad(
    system,
    { configuration, kernel: wish.kernel, chooseImage: (release) => chooseImage(system, imageWish, release) },
    { store: true },
  );
  const armed = wish.image === undefined ? readSoundPlan(system, plan.kernel.release) : undefined;
  return { plan, discard: plan.image.discard, request: requestOf(wish, configuration, plan, armed, memoryBytes) };
}

function requestOf(
  wish: VmWish,
  configuration: Configuration,
  { kernel, image, line }: LoadPlan,
  armed: ArmedPlan | undefined,
  memoryBytes: number,
): VmTestRequest {
  return {
    configuration,
    kernel: kernel.path,
    kernelRelease: kernel.release,
    image: image.path,
    plan: armed,
    commandLine: line.text,
    memoryBytes,
    timeoutMs: wish.timeoutMs,
    workFolder: wish.workFolder,
  };
}

function reservedBytes(system: System): number {
  const { reservedBytes: reserved = 0 } = readKexecState(system);
  return reserved > 0 ? Math.min(reserved, largestMemoryBytes) : defaultMemoryBytes;
}

function checkMemory(bytes: number): number {
  if (bytes >= leastMemoryBytes && bytes <= largestMemoryBytes) return bytes;
  throw new TestError(
    'test/refused',
    `Cannot test with ${bytes / MiB} MiB of memory: expected ${leastMemoryBytes / MiB} to ${largestMemoryBytes / MiB}`,
  );
}

/** What speaks against the plan is the capture's to say; the test goes on without it. */
function readSoundPlan(system: System, release: string): ArmedPlan | undefined {
  try {
    return readPlan(system, planPath(release));
  } catch (error) {
    if (error instanceof KcaptureError) return undefined;
    throw error;
  }
}
