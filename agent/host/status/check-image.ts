/** What the kernel holds for a crash, and whether it is what would be made now. */
import { formatBytes } from '../../binary/units.ts';
import type { Check } from './check.ts';
import type { StatusFacts } from './facts.ts';

export function checkConfiguration({ configuration, configurationProblems }: StatusFacts): Check {
  const name = 'settings';
  const source = configuration.source ?? 'built-in defaults';
  const errors = configurationProblems.filter(({ severity }) => severity === 'error');
  const hint = 'kcapture config check';
  if (errors.length > 0) {
    const more = errors.length > 1 ? ` (and ${errors.length - 1} more)` : '';
    return { name, level: 'warn', text: `${source}, line ${errors[0].line}: ${errors[0].message}${more}`, hint };
  }
  const warnings = configurationProblems.length;
  if (warnings > 0) return { name, level: 'note', text: `${source}, with ${warnings} remark${warnings === 1 ? '' : 's'}`, hint };
  return { name, level: 'ok', text: source };
}

export function checkLoaded({ kexec, record, recordProblem, isRoot }: StatusFacts): Check {
  const name = 'loaded';
  if (!kexec.loaded) return { name, level: 'fail', text: 'no capture kernel is loaded', hint: 'kcapture load' };
  if (record === undefined) {
    const text = isRoot ? 'a capture kernel is loaded, but not by kcapture' : 'a capture kernel is loaded; only root can see by whom';
    return { name, level: isRoot ? 'warn' : 'note', text, hint: isRoot ? 'kcapture load --reload' : 'sudo kcapture status' };
  }
  const text = `${record.release}, since ${record.loadedAt}`;
  if (recordProblem === undefined) return { name, level: 'ok', text };
  return { name, level: 'warn', text: `${text}; ${recordProblem} since then, the loaded copy still works`, hint: 'kcapture load --reload' };
}

export function checkImage(facts: StatusFacts): readonly Check[] {
  const { path, isThere, isOpen } = facts.image;
  const text = `others than root can read ${path}, and the keys in it`;
  const open: Check = { name: 'image', level: 'warn', text, hint: `chmod 600 ${path}` };
  return [checkFresh(facts), ...(isThere && isOpen ? [open] : [])];
}

function checkFresh({ image, record, isRoot }: StatusFacts): Check {
  const name = 'image';
  if (!image.isThere) {
    if (!isRoot) return { name, level: 'note', text: 'only root can see it', hint: 'sudo kcapture status' };
    const isLoaded = record !== undefined;
    const text = `${image.path} is not there${isLoaded ? ', the loaded copy still works' : ''}`;
    return { name, level: isLoaded ? 'warn' : 'fail', text, hint: 'kcapture load --rebuild' };
  }
  const text = `${image.path}, ${formatBytes(image.sizeBytes)}`;
  if (image.staleBecause === undefined) {
    return image.isKnownFresh
      ? { name, level: 'ok', text: `${text}, up to date` }
      : { name, level: 'note', text, hint: 'sudo kcapture status' };
  }
  return { name, level: 'warn', text: `${text}, is out of date: ${image.staleBecause}`, hint: 'kcapture load --rebuild' };
}

/** What the image will lack, though everything configured is there. */
export function checkPlan({ image, targets }: StatusFacts): readonly Check[] {
  // What makes a target unusable is said there already.
  const said = targets.flatMap(({ problems }) => problems);
  if (said.length > 0) return [];
  return image.warnings.map((text) => ({ name: 'remark', level: 'note', text: text.replace(/\.$/, '') }));
}
