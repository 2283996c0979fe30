/**
 * Finds out what starts this machine and says which edit puts a word onto the kernel's command line for good.
 *
 * The most particular is asked first: image-based systems have a GRUB too, and systems with GRUB have boot loader entries.
 *
 * @source rpm-ostree(1); kernel-install(8), ukify(1), bootctl(1); systemd boot loader interface (LoaderInfo, StubInfo); mkinitcpio(8), "Unified kernel images";
 *   grubby(8); Debian's grub-mkconfig(8) (/etc/default/grub.d); U-Boot doc/README.distro (extlinux.conf); Raspberry Pi documentation, cmdline.txt
 */
import { decodeText } from '../../../binary/text.ts';
import type { System } from '../../../sys/system.ts';
import type { BootEdit, WantedWord } from './boot-edit.ts';
import { grubDropIn, grubEdit } from './grub.ts';

type Finder = (system: System, wanted: WantedWord) => BootEdit | undefined;

const loaderGuid = '4a67b082-0a4c-41cf-b6c7-440b29bb8c4f';
const finders: readonly Finder[] = [
  findOstree,
  findUnified,
  findGrubby,
  findSystemdBoot,
  grubDropIn,
  grubEdit,
  findExtlinux,
  findRaspberry,
  findZipl,
];

export function findBootEdit(system: System, wanted: WantedWord): BootEdit {
  for (const find of finders) {
    const edit = find(system, wanted);
    if (edit !== undefined) return edit;
  }
  return {
    loader: 'unknown',
    evidence: undefined,
    file: undefined,
    steps: [`Add ${wanted.word} to the kernel command line in your boot loader's configuration.`],
    undo: [`Take ${wanted.word} out again.`],
    canApply: false,
  };
}

function findOstree(system: System, { word, old }: WantedWord): BootEdit | undefined {
  const evidence = '/run/ostree-booted';
  if (system.files.status(evidence) === undefined) return undefined;
  const changes = [...old.map((text) => `--delete-if-present=${text}`), `--append-if-missing=${word}`].join(' ');
  const tool = system.programs.find('rpm-ostree') === undefined ? 'ostree admin kargs edit-in-place' : 'rpm-ostree kargs';
  return {
    loader: 'ostree',
    evidence,
    file: undefined,
    steps: [`${tool} ${tool.startsWith('rpm') ? changes : `--append-if-missing=${word}`}`],
    undo: [tool.startsWith('rpm') ? `rpm-ostree kargs --delete=${word}` : `Take ${word} out of the "options" line in /boot/loader/entries`],
    canApply: false,
  };
}

/** The running kernel came out of a unified image when its stub left a word in the firmware's variables. */
function findUnified(system: System, wanted: WantedWord): BootEdit | undefined {
  const stub = firmwareText(system, 'StubInfo');
  const layout = system.files.readTextIfThere('/etc/kernel/install.conf') ?? '';
  if (stub === undefined && !/^\s*layout\s*=\s*uki\s*$/m.test(layout)) return undefined;
  const dropIns = system.files.status('/etc/cmdline.d')?.kind === 'folder';
  const usesMkinitcpio = system.files.list('/etc/mkinitcpio.d').length > 0;
  const rebuild = usesMkinitcpio ? 'mkinitcpio -P' : 'kernel-install add-all';
  const base = { loader: 'unified kernel image', evidence: stub ?? 'layout=uki in /etc/kernel/install.conf', canApply: false };
  if (usesMkinitcpio && (dropIns || system.files.status('/etc/kernel/cmdline') === undefined)) {
    const file = '/etc/cmdline.d/kcapture.conf';
    return { ...base, file, steps: [`Write the line "${wanted.word}" into ${file}`, rebuild], undo: [`rm ${file}`, rebuild] };
  }
  const file = '/etc/kernel/cmdline';
  return {
    ...base,
    file,
    steps: [...lineSteps(system, file, wanted), rebuild, 'Sign the new image, where Secure Boot is on and your tools do not do it.'],
    undo: [`Take ${wanted.word} out of ${file}`, rebuild],
  };
}

function findGrubby(system: System, { word }: WantedWord): BootEdit | undefined {
  if (system.programs.find('grubby') === undefined) return undefined;
  return {
    loader: 'GRUB (Fedora, RHEL)',
    evidence: 'the program grubby',
    file: undefined,
    // grubby replaces a word of the same name, and writes /etc/default/grub or /etc/kernel/cmdline for kernels to come.
    steps: [`grubby --update-kernel=ALL --args=${word}`],
    undo: ['grubby --update-kernel=ALL --remove-args=crashkernel'],
    canApply: false,
  };
}

function findSystemdBoot(system: System, wanted: WantedWord): BootEdit | undefined {
  const info = firmwareText(system, 'LoaderInfo');
  const configured = ['/boot', '/efi', '/boot/efi'].find((folder) => system.files.status(`${folder}/loader/loader.conf`) !== undefined);
  const hasGrub = ['/boot/grub/grub.cfg', '/boot/grub2/grub.cfg'].some((path) => system.files.status(path) !== undefined);
  if (!(info?.startsWith('systemd-boot') || (configured !== undefined && !hasGrub))) return undefined;
  const evidence = info ?? `${configured}/loader/loader.conf`;
  const base = { loader: 'systemd-boot', evidence, canApply: false };
  if (system.programs.find('kernel-install') !== undefined && system.files.status('/etc/kernel/cmdline') !== undefined) {
    const file = '/etc/kernel/cmdline';
    return {
      ...base,
      file,
      steps: [...lineSteps(system, file, wanted), 'kernel-install add-all'],
      undo: [`Take ${wanted.word} out of ${file}`, 'kernel-install add-all'],
    };
  }
  const folder = `${configured ?? '/boot'}/loader/entries`;
  const entries = system.files.list(folder).filter((name) => name.endsWith('.conf'));
  const file = entries.length === 1 ? `${folder}/${entries[0]}` : folder;
  const where = entries.length === 1 ? `the "options" line of ${file}` : `the "options" line of each entry in ${folder}`;
  return { ...base, file, steps: [`Add ${wanted.word} to ${where}`, ...replaced(wanted)], undo: [`Take ${wanted.word} out of ${where}`] };
}

function findExtlinux(system: System, wanted: WantedWord): BootEdit | undefined {
  const file = ['/boot/extlinux/extlinux.conf', '/boot/syslinux/syslinux.cfg', '/boot/firmware/extlinux/extlinux.conf'].find(
    (path) => system.files.status(path) !== undefined,
  );
  if (file !== undefined && system.files.status('/etc/default/u-boot') !== undefined) {
    const uboot = '/etc/default/u-boot';
    const step = `Add ${wanted.word} to U_BOOT_PARAMETERS in ${uboot}`;
    return {
      loader: 'U-Boot (u-boot-menu)',
      evidence: uboot,
      file: uboot,
      steps: [step, ...replaced(wanted), 'u-boot-update'],
      undo: [`Take ${wanted.word} out of ${uboot}`, 'u-boot-update'],
      canApply: false,
    };
  }
  if (file !== undefined) {
    const steps = [`Add ${wanted.word} to each "append" line of ${file}`, ...replaced(wanted)];
    return {
      loader: 'U-Boot or syslinux (extlinux.conf)',
      evidence: file,
      file,
      steps,
      undo: [`Take ${wanted.word} out of ${file}`],
      canApply: false,
    };
  }
  const armbian = '/boot/armbianEnv.txt';
  if (system.files.status(armbian) === undefined) return undefined;
  const steps = [`Add ${wanted.word} to the line "extraargs=" of ${armbian}`, ...replaced(wanted)];
  return {
    loader: 'U-Boot (Armbian)',
    evidence: armbian,
    file: armbian,
    steps,
    undo: [`Take ${wanted.word} out of ${armbian}`],
    canApply: false,
  };
}

function findRaspberry(system: System, wanted: WantedWord): BootEdit | undefined {
  if (!(system.files.readTextIfThere('/proc/device-tree/model') ?? '').startsWith('Raspberry Pi')) return undefined;
  const file = ['/boot/firmware/cmdline.txt', '/boot/cmdline.txt'].find((path) => system.files.status(path) !== undefined);
  if (file === undefined) return undefined;
  return {
    loader: 'Raspberry Pi firmware',
    evidence: file,
    file,
    steps: [`Add ${wanted.word} to the one line of ${file}`, ...replaced(wanted)],
    undo: [`Take ${wanted.word} out of ${file}`],
    canApply: false,
  };
}

function findZipl(system: System, wanted: WantedWord): BootEdit | undefined {
  const file = '/etc/zipl.conf';
  if (system.files.status(file) === undefined) return undefined;
  return {
    loader: 'zipl',
    evidence: file,
    file,
    steps: [`Add ${wanted.word} to each "parameters" line of ${file}`, ...replaced(wanted), 'zipl'],
    undo: [`Take ${wanted.word} out of ${file}`, 'zipl'],
    canApply: false,
  };
}

/** `/etc/kernel/cmdline` holds the whole line; where there is none the running one is taken, and shall be written down. */
function lineSteps(system: System, file: string, wanted: WantedWord): readonly string[] {
  if (system.files.status(file) !== undefined) return [`Add ${wanted.word} to the line in ${file}`, ...replaced(wanted)];
  return [
    `Write the kernel command line into ${file}: what /proc/cmdline says without BOOT_IMAGE= and initrd=, and ${wanted.word} at the end`,
  ];
}

function replaced({ old }: WantedWord): readonly string[] {
  return old.length === 0 ? [] : [`Take out what it replaces: ${old.join(' ')}`];
}

/** A variable of the boot loader interface: four bytes of attributes, then UTF-16. */
function firmwareText({ files }: System, name: string): string | undefined {
  const path = `/sys/firmware/efi/efivars/${name}-${loaderGuid}`;
  if (files.status(path) === undefined) return undefined;
  try {
    const bytes = files.readAt(path, 4, 512);
    return decodeText(bytes.filter((_, index) => index % 2 === 0)).replace(/[^\x20-\x7e]/g, '');
  } catch {
    return undefined;
  }
}
