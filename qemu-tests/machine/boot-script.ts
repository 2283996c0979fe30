/** The shell script of one boot: makes and opens disks, writes files, runs the steps, collects, and ends the machine. */
import { diskFunctions, type MachineDisk } from './disks.ts';

export type Step = {
  /** Letters, digits and hyphens; names the step's output. */
  readonly name: string;
  /**
   * Shell of the Debian root. `open_disk_NAME` mounts a disk on `/disk/NAME`, `unplug NAME` has the host take one out, `report KEY VALUE` tells the
   * host a value, `send PATH…` sends files at once.
   */
  readonly run: string;
  /** The exit status it must end with; `any` leaves the judgement to the scenario. Default: 0. */
  readonly exit?: number | 'any';
};

export type BootScriptOptions = {
  readonly disks: readonly MachineDisk[];
  /** The machine's first boot: the disks are still empty. */
  readonly firstBoot: boolean;
  /** Written before the steps: path → text. */
  readonly files: Readonly<Record<string, string>>;
  readonly steps: readonly Step[];
  /** Absolute paths of files and folders sent to the host after the steps. */
  readonly collect: readonly string[];
  /** What makes the machine crash after all that; `undefined`: it is switched off. */
  readonly crash: string | undefined;
};

export function bootScript(options: BootScriptOptions): string {
  const own: Step[] = options.firstBoot ? options.disks.map(({ name }) => ({ name: `make-${name}`, run: `make_disk_${name}` })) : [];
  const files = Object.entries(options.files);
  if (files.length > 0) own.push({ name: 'files', run: files.map(([path, text]) => writeFile(path, text)).join('\n') });
  const steps = [...own, ...options.steps];
  if (options.collect.length > 0) steps.push({ name: 'collect', run: `send ${options.collect.map(quote).join(' ')}` });
  const ending = options.crash === undefined ? 'verdict 0\npower_off\n' : crashing(options.crash);
  return `${diskFunctions(options.disks)}${steps.map(stepText).join('')}${ending}`;
}

function stepText({ name, run, exit = 0 }: Step, index: number): string {
  return `step_${index}() {\n${run}\n}\nrun_step ${quote(name)} ${exit} step_${index}\n`;
}

/** A machine that survives its crash gives a second verdict. */
function crashing(crash: string): string {
  return `crash_step() {\n${crash}\n}\nverdict 0\nsync\nreport crash "$(uptime_seconds)"\ncrash_step\nsleep 30\nreport survived 1\npower_off\n`;
}

function writeFile(path: string, text: string): string {
  return `mkdir -p "$(dirname ${quote(path)})"\nprintf %s ${quote(text)} >${quote(path)}`;
}

function quote(word: string): string {
  return /^[A-Za-z0-9_@%+=:,./-]+$/.test(word) ? word : `'${word.replaceAll("'", `'\\''`)}'`;
}
