/**
 * The capture kernel's command line: the running one, without what would hurt, with what helps, and what the administrator and the image want.
 *
 * Comes in: the running line, facts about the machine, the configuration's wishes, the image's words. Goes out: the line and the reason for every change.
 */
import type { Configuration } from '../../config/configuration.ts';
import {
  appendWords,
  findWords,
  formatCommandLine,
  type KernelWord,
  parseCommandLine,
  removeWords,
  sameName,
} from '../../linux/command-line.ts';
import { addedWords, ramfsWord, type RemovedWords, removedWords } from './capture-words.ts';
import type { MachineFacts } from './machine-facts.ts';

export type LineRequest = {
  /** `/proc/cmdline`. */
  readonly running: string;
  readonly facts: MachineFacts;
  readonly wish: Configuration['commandLine'];
  /** What the image needs to work. */
  readonly imageWords: readonly string[];
};

export type LineChange = { readonly word: string; readonly reason: string };
export type CaptureLine = { readonly text: string; readonly removed: readonly LineChange[]; readonly added: readonly LineChange[] };

/**
 * The order is: what is kept of the running line, our words, the image's words, the administrator's words. The last of two with the same name wins in most
 * of the kernel, so the administrator does; ours that he names himself are left out. A line that he gave whole only gains what the image cannot do without.
 */
export function buildCommandLine(request: LineRequest): CaptureLine {
  const { wish } = request;
  const own = parseCommandLine(wish.append ?? '').map(({ text }) => ({ word: text, reason: 'the configuration adds it' }));
  const { base, removed, ours } = wish.replace === undefined ? fromRunning(request) : fromWhole(wish.replace);
  const image = request.imageWords.map((word) => ({ word, reason: 'the image needs it' }));
  const namesRoot = [...request.imageWords, wish.append ?? ''].some((line) => hasRoot(parseCommandLine(line)));
  const unnamed = [...ours, ...image]
    .filter(({ word }) => !isNamedBy(word, [wish.replace, wish.append]))
    // Either keeps the first root file system from being limited; one is enough.
    .filter(({ word }) => !(namesRoot && word === ramfsWord));
  const added = withoutRepeats(unnamed);
  const rest = base.filter(({ name }) => !added.some(({ word }) => replaces(word, name)));
  const words = appendWords(rest, [...added, ...own].map(({ word }) => word).join(' '));
  return { text: formatCommandLine(words), removed, added: [...added, ...own] };
}

type Draft = { readonly base: readonly KernelWord[]; readonly removed: readonly LineChange[]; readonly ours: readonly LineChange[] };

function fromRunning({ running, wish, facts }: LineRequest): Draft {
  const removals = [...removedWords, { patterns: wish.remove, reason: 'the configuration removes it' }];
  const { kept, removed } = takeOut(withoutInitWords(parseCommandLine(running)), removals);
  const ours = ourWords(facts).filter(({ word }) => removeWords(parseCommandLine(word), wish.remove).length > 0);
  return { base: kept, removed, ours };
}

function fromWhole(line: string): Draft {
  const base = parseCommandLine(line);
  return { base, removed: [], ours: addedWords.filter(({ word }) => word === ramfsWord && !hasRoot(base)) };
}

function hasRoot(words: readonly KernelWord[]): boolean {
  return findWords(words, 'root').length + findWords(words, 'rootfstype').length > 0;
}

/** What stands behind `--` goes to init, and so would every word we add behind it. */
function withoutInitWords(words: readonly KernelWord[]): readonly KernelWord[] {
  const end = words.findIndex(({ text }) => text === '--');
  return end < 0 ? words : words.slice(0, end);
}

function takeOut(
  words: readonly KernelWord[],
  removals: readonly RemovedWords[],
): { kept: readonly KernelWord[]; removed: readonly LineChange[] } {
  const removed: LineChange[] = [];
  const kept = words.filter((word) => {
    const removal = removals.find(({ patterns }) => patterns.some((pattern) => means(pattern, word)));
    if (removal !== undefined) removed.push({ word: word.text, reason: removal.reason });
    return removal === undefined;
  });
  return { kept, removed };
}

function means(pattern: string, word: KernelWord): boolean {
  if (!pattern.endsWith('*')) return removeWords([word], [pattern]).length === 0;
  return word.name.replaceAll('-', '_').startsWith(pattern.slice(0, -1).replaceAll('-', '_'));
}

function ourWords(facts: MachineFacts): readonly LineChange[] {
  const fixed = addedWords.filter(({ machines }) => machines === undefined || machines.includes(facts.machine));
  const words: LineChange[] = fixed.map(({ word, reason }) => ({ word, reason }));
  if (facts.bootCpuApicId !== undefined) {
    const reason = 'keeps the boot CPU asleep, which would reset the machine when started from another CPU';
    words.push({ word: `disable_cpu_apicid=${facts.bootCpuApicId}`, reason });
  }
  for (const driver of facts.warningWatchdogs) {
    words.push({ word: `${driver}.pretimeout=0`, reason: 'the watchdog shall reset the machine, not panic it again' });
  }
  if (facts.hasHpWatchdog) words.push({ word: 'hpwdt.kdumptimeout=0', reason: 'the watchdog stays armed in the capture kernel' });
  // Polling interrupts makes devices vanish on these machines.
  return facts.isGraviton ? words.filter(({ word }) => word !== 'irqpoll') : words;
}

function isNamedBy(word: string, lines: readonly (string | undefined)[]): boolean {
  const [ours] = parseCommandLine(word);
  return ours !== undefined && !isList(ours.name) && lines.some((line) => findWords(parseCommandLine(line ?? ''), ours.name).length > 0);
}

/** The image's word wins over ours of the same name; a word said twice is said once. */
function withoutRepeats(changes: readonly LineChange[]): readonly LineChange[] {
  const nameOf = (word: string) => parseCommandLine(word)[0]?.name ?? '';
  return changes.filter(
    ({ word }, index) => !changes.slice(index + 1).some((later) => sameName(nameOf(later.word), nameOf(word)) && !isList(nameOf(word))),
  );
}

/** Words that may stand on a line several times, each adding to the others. */
function isList(name: string): boolean {
  return ['console', 'cgroup_disable', 'module_blacklist', 'earlycon', 'rd.driver.pre', 'ip'].includes(name);
}

function replaces(word: string, name: string): boolean {
  const [ours] = parseCommandLine(word);
  return ours !== undefined && sameName(ours.name, name) && !isList(name);
}
