/**
 * The image to load: the one that stands there, when it is for this kernel and nothing it was made from has changed; else a new one.
 *
 * A new one is made beside the old one and takes its place once it is loaded, so that the old pair can be loaded again when that fails.
 */
import type { ArmedPlan } from '../../config/armed-plan.ts';
import type { Configuration } from '../../config/configuration.ts';
import { KcaptureError } from '../../errors.ts';
import type { System } from '../../sys/system.ts';
import { buildImage, chooseGenerator } from '../image/build-image.ts';
import { imagePath, planPath } from '../paths.ts';
import { rootWord } from '../requirements/image-words.ts';
import { imageIsStale } from '../resolve-plan.ts';
import type { ImageChoice } from './load.ts';
import { LoadError } from './load-error.ts';

export type ImageWish = {
  readonly configuration: Configuration;
  readonly build: { readonly version: string; readonly commit: string };
  /** An image of the administrator's own; used as it is. */
  readonly file: string | undefined;
  readonly rebuild: boolean;
  /** Nothing is written: an image that would be made is not there then. */
  readonly dryRun: boolean;
};

/** @throws LoadError `load/image`; what building throws. */
export function chooseImage(system: System, wish: ImageWish, release: string): ImageChoice {
  if (wish.file !== undefined) return takeFile(system, wish.file);
  const path = imagePath(release);
  const { reason, warnings } = whyBuild(system, wish, release);
  const commandLineWords = readPlan(system, release)?.commandLineWords ?? [rootWord];
  const standing = { path, finalPath: path, commandLineWords, warnings, discard: () => {} };
  if (reason === undefined) return { ...standing, origin: 'made before and still right' };
  if (wish.dryRun) return { ...standing, origin: `would be made by ${chooseGenerator(system, wish.configuration.generator)}: ${reason}` };
  return buildBeside(system, wish, release, reason);
}

function takeFile(system: System, path: string): ImageChoice {
  if (system.files.status(path) === undefined) {
    throw new LoadError('load/image', `Cannot load "${path}": there is no such file`, {
      where: path,
      hint: 'Make one with "kcapture image OUT".',
    });
  }
  return { path, finalPath: path, commandLineWords: [rootWord], warnings: [], origin: 'as named', discard: () => {} };
}

type Judgement = { readonly reason: string | undefined; readonly warnings: readonly string[] };

function whyBuild(system: System, { configuration, build, rebuild }: ImageWish, release: string): Judgement {
  const because = (reason: string): Judgement => ({ reason, warnings: [] });
  if (system.files.status(imagePath(release)) === undefined) return because('there is none for this kernel');
  if (rebuild) return because('it was asked for');
  if (configuration.forceRebuild) return because('the configuration says force_rebuild');
  if (configuration.forceNoRebuild)
    return { reason: undefined, warnings: ['The configuration says force_no_rebuild: the image may be out of date.'] };
  const plan = readPlan(system, release);
  if (plan === undefined) return because('what it was made from is not known');
  try {
    if (imageIsStale(system, configuration, plan, build)) return because('something it was made from has changed');
  } catch (error) {
    if (!(error instanceof KcaptureError)) throw error;
    return { reason: undefined, warnings: [`Whether the image is out of date cannot be told: ${error.message}`] };
  }
  return { reason: undefined, warnings: [] };
}

function readPlan(system: System, release: string): ArmedPlan | undefined {
  try {
    const plan = JSON.parse(system.files.readTextIfThere(planPath(release)) ?? '') as Partial<ArmedPlan> | null;
    return plan?.version === 1 && typeof plan.inputHash === 'string' && plan.kernelRelease === release ? (plan as ArmedPlan) : undefined;
  } catch {
    return undefined;
  }
}

function buildBeside(system: System, { configuration, build }: ImageWish, release: string, reason: string): ImageChoice {
  const finalPath = imagePath(release);
  const output = `${finalPath}-new`;
  const oldPlan = system.files.readTextIfThere(planPath(release));
  const built = buildImage(system, { configuration, kernelRelease: release, build, output });
  return {
    path: built.path,
    finalPath,
    commandLineWords: built.commandLineWords,
    warnings: built.warnings,
    origin: `made now by ${built.generator}: ${reason}`,
    discard() {
      system.files.remove(output);
      if (oldPlan === undefined) system.files.remove(planPath(release));
      else system.files.write(planPath(release), oldPlan, 0o600);
    },
  };
}
