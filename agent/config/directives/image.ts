/** The image and the kernel that captures. */
import { badValue } from '../config-error.ts';
import type { Configuration } from '../configuration.ts';
import type { Directive } from '../directive.ts';
import { takeMountArgument } from '../mount-argument.ts';
import { quote } from '../problem.ts';
import { checkAbsolute, chooseFrom, readModuleNames, readOne, readYesNo } from '../values.ts';
import { splitWords } from '../words.ts';

const generators: readonly Configuration['generator'][] = ['auto', 'dracut', 'mkinitcpio', 'own'];

export const imageDirectives: readonly Directive[] = [
  {
    name: 'extra_bins',
    value: 'FILES',
    meaning: 'Programs to put into the image besides the hooks, for the hooks to call.',
    default: 'none',
    examples: ['/usr/bin/lftp', '/usr/bin/lftp /usr/sbin/ethtool'],
    origin: 'kdump',
    repeats: true,
    apply: (draft, { value }) => {
      draft.extraPrograms = [...draft.extraPrograms, ...splitWords(value).map(checkProgram)];
    },
  },
  {
    name: 'extra_modules',
    value: 'NAMES',
    meaning: 'Kernel modules to put into the image and load, with all they depend on, besides those that the target needs.',
    default: 'none',
    examples: ['gfs2', 'gfs2 dlm'],
    origin: 'kdump',
    repeats: true,
    apply: (draft, { value }) => {
      draft.extraModules = [...draft.extraModules, ...readModuleNames(value)];
    },
  },
  {
    name: 'generator',
    value: generators.join('|'),
    meaning: 'What makes the image. `auto`: dracut or mkinitcpio where the system uses it, else kcapture itself; `own`: kcapture itself.',
    default: 'auto',
    examples: generators,
    origin: 'kcapture',
    apply: (draft, { value }) => {
      draft.generator = chooseFrom(generators, value);
    },
  },
  {
    name: 'dracut_args',
    value: 'ARGUMENTS',
    meaning: 'Further arguments for dracut. One `--mount "DEVICE FOLDER FSTYPE OPTIONS"` among them is a target.',
    default: 'none',
    examples: ['--omit-drivers "cfg80211 snd" --add-drivers "ext2 ext3"', '--mount "/dev/vg/lv_kdump /mnt/crash ext4 noatime"'],
    origin: 'kdump',
    apply: (draft, { value, line }) => {
      const { words, target } = takeMountArgument(splitWords(value), line);
      draft.dracutArguments = words;
      if (target !== undefined) draft.newTargets = [...draft.newTargets, target];
    },
  },
  {
    name: 'force_rebuild',
    value: '0|1',
    meaning: 'Make the image anew at each load.',
    default: '0',
    examples: ['1', 'no'],
    origin: 'kdump',
    apply: (draft, { value }) => {
      draft.forceRebuild = readYesNo(value);
    },
  },
  {
    name: 'force_no_rebuild',
    value: '0|1',
    meaning: 'Never make the image anew, even when it is stale.',
    default: '0',
    examples: ['1', 'no'],
    origin: 'kdump',
    apply: (draft, { value }) => {
      draft.forceNoRebuild = readYesNo(value);
    },
  },
  {
    name: 'kernel',
    value: 'RELEASE|FILE',
    meaning: 'Kernel to capture with, by its release or its file.',
    default: 'the running one',
    examples: ['6.1.0-56-amd64', '/boot/vmlinuz-6.1.0-56-amd64'],
    origin: 'kcapture',
    apply: (draft, { written }) => {
      draft.kernel = checkKernel(readOne(written, 'release or file'));
    },
  },
  {
    name: 'cmdline',
    value: 'WORDS',
    meaning: "The capture kernel's whole command line, instead of one made from the running kernel's.",
    default: "made from the running kernel's",
    examples: ['console=ttyS0 root=kcapture irqpoll nr_cpus=1 reset_devices'],
    origin: 'kcapture',
    apply: (draft, { value }) => {
      draft.commandLine = { ...draft.commandLine, replace: value };
    },
  },
  {
    name: 'cmdline_remove',
    value: 'NAMES',
    meaning:
      "Words of the running kernel's command line that the capture kernel does not get, by the name before `=`, besides those that never make sense there.",
    default: 'none',
    examples: ['hugepages', 'isolcpus nohz_full'],
    origin: 'kcapture',
    repeats: true,
    apply: (draft, { value }) => {
      draft.commandLine = { ...draft.commandLine, remove: [...draft.commandLine.remove, ...splitWords(value).map(checkParameterName)] };
    },
  },
  {
    name: 'cmdline_append',
    value: 'WORDS',
    meaning: "Words added at the end of the capture kernel's command line.",
    default: 'none',
    examples: ['nr_cpus=4', 'rd.driver.blacklist=qla2xxx panic=30'],
    origin: 'kcapture',
    repeats: true,
    apply: (draft, { value }) => {
      const { append } = draft.commandLine;
      draft.commandLine = { ...draft.commandLine, append: append === undefined ? value : `${append} ${value}` };
    },
  },
  {
    name: 'auto_reset_crashkernel',
    value: 'yes|no',
    meaning: 'Read so that the file stays valid. kcapture changes crashkernel= only when told to: `kcapture estimate --apply`.',
    default: 'yes',
    examples: ['yes', 'no'],
    origin: 'kdump',
    apply: (draft, { value }) => {
      draft.autoResetCrashkernel = readYesNo(value);
    },
  },
  {
    name: 'fence_kdump_nodes',
    value: 'HOSTS',
    meaning:
      'Nodes of the cluster that are told that this one is dumping and must not be fenced. The network is up only when a target needs it.',
    default: 'none',
    examples: ['node1 node2'],
    origin: 'kdump',
    repeats: true,
    apply: (draft, { value }) => {
      draft.fenceKdumpNodes = [...draft.fenceKdumpNodes, ...splitWords(value).map(checkHost)];
    },
  },
  {
    name: 'fence_kdump_args',
    value: 'ARGUMENTS',
    meaning: 'Arguments of fence_kdump_send, without the nodes.',
    default: 'none',
    examples: ['-p 7410 -f auto -c 0 -i 10'],
    origin: 'kdump',
    apply: (draft, { value }) => {
      draft.fenceKdumpArguments = splitWords(value);
    },
  },
];

/** A path, or a name that is searched for. */
function checkProgram(word: string): string {
  if (!/^[^-]/.test(word)) throw badValue(`Cannot use ${quote(word)} as a program: ${word === '' ? 'it is empty' : 'it begins with "-"'}`);
  return word.includes('/') ? checkAbsolute(word) : word;
}

function checkKernel(word: string): string {
  if (word.includes('/')) return checkAbsolute(word);
  if (/^\d[\w.+~-]*$/.test(word)) return word;
  throw badValue(`Cannot use ${quote(word)} as a kernel: expected a release (see "uname -r") or a path`);
}

function checkParameterName(word: string): string {
  if (!word.includes('=')) return word;
  const name = word.slice(0, word.indexOf('='));
  throw badValue(`Cannot use ${quote(word)}: expected the name of a parameter`, `Write "${name}": it goes whatever its value`);
}

function checkHost(word: string): string {
  if (/^[A-Za-z0-9][\w.:-]*$/.test(word)) return word;
  throw badValue(`Cannot use ${quote(word)} as a node: expected a host name or an address`);
}
