/** `kcapture mount-step`: not for people. One mount(2) for another kcapture, which can end it when it takes too long. */
import { Command } from 'commander';
import type { System } from '../sys/system.ts';
import { mountStepWord, runMountStep } from '../target/nfs/mount-step.ts';

export function mountStepCommand(system: System): Command {
  return new Command(mountStepWord).summary('one mount(2) for another kcapture').action(() => runMountStep(system));
}
