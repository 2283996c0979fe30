/**
 * GRUB whose configuration is made from `/etc/default/grub`: with a folder of drop-ins (Debian, Ubuntu and what comes from them) a file of our own, else an edit.
 *
 * @source Debian's grub-mkconfig (reads /etc/default/grub.d/*.cfg); SUSE's and Arch's grub documentation
 */
import type { System } from '../../../sys/system.ts';
import { hostPaths } from '../../paths.ts';
import type { BootEdit, WantedWord } from './boot-edit.ts';

const mainFile = '/etc/default/grub';
const dropInFolder = '/etc/default/grub.d';
const configurations = ['/boot/grub/grub.cfg', '/boot/grub2/grub.cfg', '/boot/efi/EFI/grub/grub.cfg'] as const;

/** What the drop-in holds. Words of the same name further to the left do not count. */
export function grubDropInText(word: string): string {
  return `# Memory for the kernel that captures a crash. Written by "kcapture estimate --apply".\nGRUB_CMDLINE_LINUX_DEFAULT="$GRUB_CMDLINE_LINUX_DEFAULT ${word}"\n`;
}

/** The command that makes GRUB's configuration anew; `undefined`: there is none, or nowhere to write to. */
export function grubCommand(system: System): readonly string[] | undefined {
  if (system.programs.find('update-grub') !== undefined) return ['update-grub'];
  const program = ['grub2-mkconfig', 'grub-mkconfig'].find((name) => system.programs.find(name) !== undefined);
  const target = configurations.find((path) => system.files.status(path) !== undefined);
  return program === undefined || target === undefined ? undefined : [program, '-o', target];
}

export function grubDropIn(system: System, { word }: WantedWord): BootEdit | undefined {
  const command = grubCommand(system);
  if (command === undefined || !readsDropIns(system)) return undefined;
  const file = hostPaths.grubDropIn;
  const others = filesThatReserve(system);
  const text = grubDropInText(word).trimEnd().split('\n')[1];
  return {
    loader: 'GRUB with drop-ins',
    evidence: dropInFolder,
    file: others[0] ?? file,
    steps:
      others.length > 0
        ? [`Write ${word} in place of the crashkernel= in ${others.join(' and ')}`, command.join(' ')]
        : [`Write into ${file}: ${text}`, command.join(' ')],
    undo: others.length > 0 ? [`Put back the old word in ${others.join(' and ')}`, command.join(' ')] : [`rm ${file}`, command.join(' ')],
    canApply: others.length === 0,
  };
}

export function grubEdit(system: System, wanted: WantedWord): BootEdit | undefined {
  const command = grubCommand(system);
  if (command === undefined || system.files.status(mainFile) === undefined) return undefined;
  const steps = [`Add ${wanted.word} to GRUB_CMDLINE_LINUX_DEFAULT in ${mainFile}`];
  if (wanted.old.length > 0) steps.push(`Take out what it replaces: ${wanted.old.join(' ')}`);
  return {
    loader: 'GRUB',
    evidence: mainFile,
    file: mainFile,
    steps: [...steps, command.join(' ')],
    undo: [`Take ${wanted.word} out of ${mainFile}`, command.join(' ')],
    canApply: false,
  };
}

/** Not every grub-mkconfig looks into the folder, so its own text is asked. */
function readsDropIns(system: System): boolean {
  const script = ['grub-mkconfig', 'grub2-mkconfig'].map((name) => system.programs.find(name)).find((path) => path !== undefined);
  return script !== undefined && (system.files.readTextIfThere(script, 256 * 1024) ?? '').includes('default/grub.d');
}

/** Files besides ours that say crashkernel= already: a second one would only hide the first. Comments do not count. */
export function filesThatReserve({ files }: Pick<System, 'files'>): readonly string[] {
  const dropIns = files
    .list(dropInFolder)
    .filter((name) => name.endsWith('.cfg'))
    .map((name) => `${dropInFolder}/${name}`);
  return [mainFile, ...dropIns].filter(
    (path) => path !== hostPaths.grubDropIn && saysCrashkernel(files.readTextIfThere(path, 256 * 1024) ?? ''),
  );
}

function saysCrashkernel(text: string): boolean {
  return text.split('\n').some((line) => !/^\s*#/.test(line) && /\bcrashkernel=/.test(line));
}
