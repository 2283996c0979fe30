/**
 * Makes the capture kernel's image, with whichever generator is wished or used on this machine, and writes its plan beside it.
 *
 * Generators call `kcapture requirements` from our hook in them; none of the machine's own images is read or changed.
 */
import { dirname } from 'node:path';
import type { ArmedPlan } from '../../config/armed-plan.ts';
import type { Configuration } from '../../config/configuration.ts';
import type { System } from '../../sys/system.ts';
import { planPath, stagingFolder } from '../paths.ts';
import { collectRequirements, formatPlan } from '../requirements/collect-requirements.ts';
import { rootWord } from '../requirements/image-words.ts';
import { type ResolveOptions, resolvePlan } from '../resolve-plan.ts';
import { dracutFolder, initcpioFolder } from '../shipped-files.ts';
import { ImageError } from './cpio.ts';
import { writeOwnImage } from './own-image.ts';

export type Generator = 'own' | 'dracut' | 'mkinitcpio';

export type BuildImageOptions = ResolveOptions & {
  readonly configuration: Configuration;
  readonly output: string;
  /** Over the configuration's. */
  readonly generator?: Configuration['generator'];
};

export type BuiltImage = {
  readonly path: string;
  readonly generator: Generator;
  readonly sizeBytes: number;
  readonly plan: ArmedPlan;
  /** What must stand on the capture kernel's command line. */
  readonly commandLineWords: readonly string[];
  readonly warnings: readonly string[];
};

type External = {
  readonly program: string;
  /** What `kcapture install` puts there for this generator. */
  readonly hook: string;
  readonly argv: (options: BuildImageOptions, output: string) => readonly string[];
};

const generatorTimeoutMs = 15 * 60_000;
const externals: Readonly<Record<Exclude<Generator, 'own'>, External>> = {
  dracut: {
    program: 'dracut',
    hook: `${dracutFolder}/module-setup.sh`,
    argv: ({ configuration, kernelRelease }, output) => [
      ...['dracut', '--force', '--no-hostonly', '--no-hostonly-cmdline', '--no-early-microcode', '--no-kernel', '--nostrip', '--gzip'],
      // The machine's own configuration may add to every image what would not fit into this one; a folder without *.conf stands for its folder.
      ...['--conf', '/dev/null', '--confdir', dracutFolder, '--modules', 'kcapture'],
      ...[...configuration.dracutArguments, '--kver', kernelRelease, output],
    ],
  },
  mkinitcpio: {
    program: 'mkinitcpio',
    hook: `${initcpioFolder}/install/kcapture`,
    argv: ({ kernelRelease }, output) => [
      ...['mkinitcpio', '-c', `${initcpioFolder}/mkinitcpio.conf`, '-D', initcpioFolder, '-D', '/usr/lib/initcpio'],
      ...['-k', kernelRelease, '-g', output],
    ],
  },
};

/**
 * @throws ImageError `image/generator` with what the generator said; LinuxError, FilesError, SinkError.
 */
export function buildImage(system: System, options: BuildImageOptions): BuiltImage {
  const generator = chooseGenerator(system, options.generator ?? options.configuration.generator);
  const built = generator === 'own' ? buildOwn(system, options) : buildExternal(system, options, generator);
  system.files.write(planPath(options.kernelRelease), formatPlan(built.plan), 0o600);
  return built;
}

/** The generator the machine uses, when our hook for it is installed. */
export function chooseGenerator(system: System, wished: Configuration['generator']): Generator {
  if (wished !== 'auto') return wished;
  const isUsable = (name: Exclude<Generator, 'own'>) =>
    system.programs.find(externals[name].program) !== undefined && system.files.status(externals[name].hook) !== undefined;
  const usesMkinitcpio = system.files.list('/etc/mkinitcpio.d').length > 0;
  if (usesMkinitcpio && isUsable('mkinitcpio')) return 'mkinitcpio';
  return isUsable('dracut') ? 'dracut' : isUsable('mkinitcpio') ? 'mkinitcpio' : 'own';
}

function buildOwn(system: System, options: BuildImageOptions): BuiltImage {
  const requirements = collectRequirements(system, { ...options, consumer: 'image' });
  const sizeBytes = writeOwnImage(system, requirements, options.output);
  const { plan, commandLineWords, warnings } = requirements;
  return { path: options.output, generator: 'own', sizeBytes, plan, commandLineWords, warnings };
}

function buildExternal(system: System, options: BuildImageOptions, generator: Exclude<Generator, 'own'>): BuiltImage {
  const { program, hook, argv } = externals[generator];
  if (system.files.status(hook) === undefined) {
    throw new ImageError('image/generator', `Cannot make an image with ${program}: "${hook}" is missing`, {
      hint: 'Run: kcapture install',
    });
  }
  const { warnings } = resolvePlan(system, options.configuration, options);
  const stagedPlan = `${stagingFolder(options.kernelRelease)}/armed.json`;
  system.files.remove(stagedPlan);
  const unfinished = `${options.output}-incomplete`;
  // It may hold keys: older generators make a file that everybody can read, and keep the mode of one that is there.
  system.files.write(unfinished, '', 0o600);
  const environment = { PATH: `${dirname(system.executablePath)}:${system.environment('PATH') ?? '/usr/sbin:/usr/bin:/sbin:/bin'}` };
  const { status, stdout, stderr } = system.programs.run(argv(options, unfinished), { timeoutMs: generatorTimeoutMs, environment });
  const sizeBytes = system.files.status(unfinished)?.sizeBytes ?? 0;
  const plan = readPlan(system, stagedPlan);
  if (status !== 0 || sizeBytes === 0 || plan === undefined) {
    system.files.remove(unfinished);
    const said = `${stdout}\n${stderr}`.trim().split('\n').slice(-8).join('\n  ');
    throw new ImageError(
      'image/generator',
      `Cannot make an image with ${program}: it ended with status ${status}${plan === undefined ? ' and never asked what to put in' : ''}:\n  ${said}`,
    );
  }
  system.files.setMode(unfinished, 0o600);
  system.files.sync(unfinished);
  system.rename(unfinished, options.output);
  return { path: options.output, generator, sizeBytes, plan, commandLineWords: plan.commandLineWords ?? [rootWord], warnings };
}

/** What our hook in the generator wrote down while it ran; without it the image holds nothing of ours. */
function readPlan({ files }: System, path: string): ArmedPlan | undefined {
  const text = files.readTextIfThere(path);
  return text === undefined ? undefined : (JSON.parse(text) as ArmedPlan);
}
