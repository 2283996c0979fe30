/**
 * `kcapture.*=` on the capture kernel's command line: the last word, for the one who stands before the machine or tests it.
 *
 * Comes in: a configuration and the text of /proc/cmdline. Goes out: the configuration as these words change it.
 *
 * @source Linux Documentation/admin-guide/kernel-parameters.rst: quotes hold blanks together, `--` ends the kernel's part, `-` and `_` are the same
 */
import { KcaptureError } from '../errors.ts';
import { badValue } from './config-error.ts';
import type { Configuration } from './configuration.ts';
import { createDraft, type Draft, finishDraft } from './draft.ts';
import { findDirective } from './directive-table.ts';
import { nearestWord } from './nearest-word.ts';
import { createProblem, type Problem, quote } from './problem.ts';
import { looksLikeUrl } from './remote-url.ts';
import { readTarget, targetKinds } from './target-wish.ts';
import { readYesNo } from './values.ts';
import { joinWords } from './words.ts';

/** What only the command line can say. */
export type KernelSwitches = {
  /** Do nothing but the final action. */
  readonly skip: boolean;
};

export type KernelReading = {
  readonly configuration: Configuration;
  readonly switches: KernelSwitches;
  readonly problems: readonly Problem[];
};

/** Directives that may stand there, as `kcapture.NAME=VALUE`. */
const allowed = [
  'level',
  'compress',
  'threads',
  'memory_limit',
  'path',
  'time_limit',
  'device_timeout',
  'stall_limit',
  'retry_limit',
  'dmesg_only_below',
  'min_free',
  'final_action',
  'failure_action',
  'loop_limit',
] as const;

/** Every word, with what stands behind `=`: for the reference. */
export const kernelWords: readonly { readonly name: string; readonly value: string; readonly meaning: string }[] = [
  {
    name: 'kcapture.target',
    value: 'TARGET',
    meaning:
      'Instead of the targets in the file; several words are tried in turn. `DEVICE,FSTYPE[,OPTIONS]`, `raw:DEVICE`, `nfs:HOST:/EXPORT[,OPTIONS]`, `ssh:USER@HOST`, a URL, `virtiofs:TAG` or `root`. A server needs a plan whose network leads to it.',
  },
  ...allowed.map((name) => ({ name: `kcapture.${name}`, value: findDirective(name)!.value, meaning: `As \`${name}\` in the file.` })),
  { name: 'kcapture.skip', value: '[0|1]', meaning: 'Save nothing: the final action follows at once.' },
];

/** Never throws: a word that cannot be used is left out and said in `problems`, all of which are warnings without a line. */
export function applyKernelWords(configuration: Configuration, commandLine: string): KernelReading {
  const draft = createDraft(configuration);
  const switches = { skip: false };
  const problems: Problem[] = [];
  for (const { name, value } of splitCommandLine(commandLine)) {
    const warn = (message: string, hint?: string) => problems.push(createProblem(0, 'warning', `${name}: ${message}`, hint));
    try {
      applyWord(draft, switches, name, value, warn);
    } catch (error) {
      if (!(error instanceof KcaptureError)) throw error;
      warn(error.message, error.hint);
    }
  }
  const finished = finishDraft(draft);
  return { configuration: finished.configuration, switches, problems };
}

function applyWord(
  draft: Draft,
  switches: { skip: boolean },
  name: string,
  value: string | undefined,
  warn: (message: string, hint?: string) => void,
): void {
  const key = name.slice('kcapture.'.length);
  if (key === 'skip') {
    switches.skip = value === undefined || readYesNo(value);
  } else if (value === undefined || value === '') {
    throw badValue('Cannot use this word: nothing follows it', `Write ${name}=VALUE`);
  } else if (key === 'target') {
    draft.newTargets = [...draft.newTargets, ...readKernelTarget(value)];
  } else {
    const directive = allowed.some((each) => each === key) ? findDirective(key) : undefined;
    if (directive === undefined) throw unknownWord(name);
    directive.apply(draft, { value, written: joinWords([value]), line: 0, warn });
  }
}

function unknownWord(name: string): KcaptureError {
  const meant = nearestWord(
    name,
    kernelWords.map((each) => each.name),
  );
  return badValue('Cannot use this word: there is no such one', meant === undefined ? undefined : `Did you mean "${meant}"?`);
}

function readKernelTarget(value: string): Draft['newTargets'] {
  if (value === 'root') return [{ kind: 'root', line: 0 }];
  if (looksLikeUrl(value)) return [readTarget('target', joinWords([value]), 0)];
  const [, kind, rest] = value.match(/^(raw|nfs|ssh|virtiofs):(.+)$/s) ?? [];
  if (kind === 'nfs')
    return [
      readTarget(
        kind,
        joinWords(
          rest
            .match(/^([^,]*)(?:,(.*))?$/s)!
            .slice(1)
            .filter((word) => word !== undefined),
        ),
        0,
      ),
    ];
  const known = targetKinds.find((each) => each === kind);
  if (known !== undefined) return [readTarget(known, rest, 0)];
  const [, device, fsType, options] = value.match(/^([^,]+),([^,]+)(?:,(.+))?$/s) ?? [];
  const type = targetKinds.find((each) => each === fsType && !['raw', 'nfs', 'ssh', 'target', 'virtiofs'].includes(each));
  if (type === undefined)
    throw badValue(
      `Cannot use ${quote(value)} as a target: expected DEVICE,FSTYPE[,OPTIONS]`,
      'Write for instance kcapture.target=UUID=…,ext4',
    );
  return [readTarget(type, options === undefined ? device : `${device} ${options}`, 0)];
}

/** The words that begin with `kcapture.`, `-` in their names made `_`. */
function splitCommandLine(commandLine: string): { name: string; value: string | undefined }[] {
  const found: { name: string; value: string | undefined }[] = [];
  for (const [word] of commandLine.matchAll(/(?:"[^"]*"|[^\s"]|"(?=[^"]*$))+/g)) {
    if (word === '--') break;
    const bare = word.replace(/"/g, '');
    if (!bare.startsWith('kcapture.')) continue;
    const equals = bare.indexOf('=');
    const name = (equals < 0 ? bare : bare.slice(0, equals)).replace(/-/g, '_');
    found.push({ name, value: equals < 0 ? undefined : bare.slice(equals + 1) });
  }
  return found;
}
