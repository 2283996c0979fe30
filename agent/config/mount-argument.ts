/** `--mount "DEVICE FOLDER FSTYPE OPTIONS"` among the words for dracut: a target, said in dracut's way. @source dracut(8) */
import { badValue } from './config-error.ts';
import type { TargetWish } from './configuration.ts';
import { quote } from './problem.ts';
import { checkMountOptions } from './mount-words.ts';
import { readTarget, type TargetKind, targetKinds } from './target-wish.ts';
import { joinWords, splitWords } from './words.ts';

/**
 * Takes the target out of the words: kcapture mounts it itself, and dracut must not wait for it.
 * @throws ConfigError also for a second `--mount`
 */
export function takeMountArgument(words: readonly string[], line: number): { words: string[]; target: TargetWish | undefined } {
  const rest: string[] = [];
  const mounts: string[] = [];
  for (let i = 0; i < words.length; i++) {
    if (words[i] === '--mount') mounts.push(words[++i] ?? '');
    else if (words[i].startsWith('--mount=')) mounts.push(words[i].slice('--mount='.length));
    else rest.push(words[i]);
  }
  if (mounts.length > 1)
    throw badValue('Cannot use two --mount arguments: one names the target', 'Put further targets on lines of their own');
  return { words: rest, target: mounts.length === 0 ? undefined : readMount(mounts[0], line) };
}

function readMount(text: string, line: number): TargetWish {
  const [device, folder, fsType, options] = splitWords(text);
  if (fsType === undefined || folder === undefined) {
    throw badValue(`Cannot use ${quote(text)} as a target: expected --mount "DEVICE FOLDER FSTYPE OPTIONS"`);
  }
  const kind = fsType === 'nfs4' ? 'nfs' : fsType;
  const known = targetKinds.find((each): each is TargetKind => each === kind && !['raw', 'ssh', 'target'].includes(each));
  if (known === undefined) throw badValue(`Cannot use ${quote(fsType)} as the file system of a target`);
  if (known === 'virtiofs') return readTarget(known, joinWords([device]), line);
  const words = options === undefined ? undefined : checkMountOptions(options);
  if (known !== 'nfs') return readTarget(known, joinWords(words === undefined ? [device] : [device, words]), line);
  // dracut's way to say: none.
  return readTarget(known, joinWords(words === undefined || words === 'defaults' ? [device] : [device, words]), line);
}
