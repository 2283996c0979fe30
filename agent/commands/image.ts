/** `kcapture image`: makes an image for the capture kernel without dracut or mkinitcpio. */
import { type ArmedTarget, isOnNetwork } from '../config/armed-plan.ts';
import { Command } from 'commander';
import { resolve } from 'node:path';
import { formatBytes } from '../binary/units.ts';
import { readHostConfiguration } from '../host/host-configuration.ts';
import { type BuiltImage, buildImage } from '../host/image/build-image.ts';
import { findKernel } from '../host/load/find-kernel.ts';
import { UsageError } from '../errors.ts';
import type { System } from '../sys/system.ts';
import type { BuildInfo } from './version.ts';

type Flags = { kernel?: string; json?: true };

export function imageCommand(system: System, build: BuildInfo): Command {
  return new Command('image')
    .summary('make an image for the capture kernel')
    .description('Writes an initramfs that saves the memory of a crashed kernel and does nothing else; no dracut, no mkinitcpio.')
    .argument('<OUT>', 'where to write it')
    .option('--kernel <RELEASE|FILE>', 'the capture kernel (default: the configured one, else the running one)')
    .option('--json', 'print the result as JSON')
    .action((out: string, flags: Flags) => {
      const { configuration } = readHostConfiguration(system);
      const kernelRelease = releaseOf(system, flags.kernel ?? configuration.kernel);
      const image = buildImage(system, { configuration, kernelRelease, build, output: resolve(out), generator: 'own' });
      system.print(flags.json ? `${JSON.stringify(image, undefined, 2)}\n` : format(image));
      for (const warning of image.warnings) system.printError(`kcapture: warning: ${warning}\n`);
    });
}

/** A name with a slash is a file, which tells its release itself. */
function releaseOf(system: System, wish: string | undefined): string {
  if (wish === undefined) return system.kernel.utsname().release;
  if (!wish.includes('/')) return wish;
  const { release } = findKernel(system, wish).image;
  if (release !== undefined) return release;
  throw new UsageError('usage/kernel', `Cannot tell the release of the kernel "${wish}": it does not say`, {
    hint: 'Give --kernel RELEASE instead.',
  });
}

function place(target: ArmedTarget): string {
  if (target.kind === 'unsupported') return ` (cannot be used: ${target.why})`;
  return isOnNetwork(target) ? '' : ` on ${target.device}`;
}

function format({ path, sizeBytes, plan, commandLineWords }: BuiltImage): string {
  const targets = plan.targets.map((target) => `  target   ${target.wish}${place(target)}\n`);
  return `${path}: ${formatBytes(sizeBytes)}, for kernel ${plan.kernelRelease}\n${targets.join('')}  modules  ${plan.modules.length}\n  command line: ${commandLineWords.join(' ')}\n`;
}
