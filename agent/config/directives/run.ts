/** What runs around the dump and what follows it. */
import { badValue } from '../config-error.ts';
import type { FailureAction, FinalAction } from '../configuration.ts';
import type { Directive } from '../directive.ts';
import { readDuration } from '../limits.ts';
import { checkWebHook } from '../web-hook.ts';
import { quote } from '../problem.ts';
import { chooseFrom, readFilePath, readNumber } from '../values.ts';

export const finalActions: readonly FinalAction[] = ['reboot', 'halt', 'poweroff'];
export const failureActions: readonly FailureAction[] = [...finalActions, 'shell', 'dump_to_rootfs'];

export const runDirectives: readonly Directive[] = [
  {
    name: 'kdump_pre',
    value: 'FILE',
    meaning:
      'Program that runs before anything is saved; when it fails nothing is, and the final action follows. Programs in /etc/kdump/pre.d run after it, and their failures do not count.',
    default: 'none',
    examples: ['/var/crash/scripts/kdump-pre.sh'],
    origin: 'kdump',
    repeats: true,
    apply: (draft, { written }) => {
      draft.preHooks = [...draft.preHooks, readFilePath(written, 'program')];
    },
  },
  {
    name: 'kdump_post',
    value: 'FILE',
    meaning:
      'Program that runs when the capture has ended, well or not, with its status as first argument; those in /etc/kdump/post.d before it.',
    default: 'none',
    examples: ['/var/crash/scripts/kdump-post.sh'],
    origin: 'kdump',
    repeats: true,
    apply: (draft, { written }) => {
      draft.postHooks = [...draft.postHooks, readFilePath(written, 'program')];
    },
  },
  {
    name: 'kdump_emergency',
    value: 'FILE',
    meaning: 'Program that runs when the capture failed, before the failure action; those in /etc/kdump/emergency.d before it.',
    default: 'none',
    examples: ['/var/crash/scripts/kdump-emergency.sh'],
    origin: 'kdump',
    repeats: true,
    apply: (draft, { written }) => {
      draft.emergencyHooks = [...draft.emergencyHooks, readFilePath(written, 'program')];
    },
  },
  {
    name: 'hook_timeout',
    value: 'DURATION',
    meaning: 'How long each of these programs may take before it is ended.',
    default: '1m',
    examples: ['1m', '300'],
    origin: 'kcapture',
    apply: (draft, { value }) => {
      draft.hookTimeoutSeconds = readDuration(value, 'hook_timeout');
    },
  },
  {
    name: 'failure_action',
    formerName: 'default',
    value: failureActions.join('|'),
    meaning:
      'What follows when no target took a dump: the action of that name; `shell`: a shell on the console; `dump_to_rootfs`: a last attempt on the root file system of the machine. After the last two the final action follows.',
    default: 'reboot',
    examples: failureActions,
    origin: 'kdump',
    apply: (draft, { value }) => {
      draft.failureAction = chooseFrom(failureActions, value);
    },
  },
  {
    name: 'final_action',
    value: finalActions.join('|'),
    meaning: 'What follows when a dump was saved.',
    default: 'reboot',
    examples: finalActions,
    origin: 'kdump',
    apply: (draft, { value }) => {
      draft.finalAction = chooseFrom(finalActions, value);
    },
  },
  {
    name: 'loop_limit',
    value: 'N in DURATION|none',
    meaning:
      'After so many captures within this time only the log is saved, and after many more nothing: a machine that crashes again and again must not fill its disk with one crash.',
    default: '3 in 1h',
    examples: ['3 in 1h', '10 in 1d', 'none'],
    origin: 'kcapture',
    apply: (draft, { value }) => {
      draft.loopLimit = value === 'none' ? { captures: 0, windowSeconds: 0 } : readLoopLimit(value);
    },
  },
  {
    name: 'notify',
    value: 'URL',
    meaning: 'Web hook that is told about each capture when the machine is up again (http or https, JSON). Never printed in full.',
    default: 'none',
    examples: ['https://hooks.example.org/services/T0/B1/secret'],
    origin: 'kcapture',
    repeats: true,
    apply: (draft, { value, warn }) => {
      const url = checkWebHook(value);
      if (url.startsWith('http:')) warn('The web hook is not encrypted: whoever listens can read it', 'Use https');
      draft.notify = [...draft.notify, url];
    },
  },
];

function readLoopLimit(value: string): { captures: number; windowSeconds: number } {
  const [, captures, window] = value.match(/^(\S+)\s+in\s+(\S+)$/) ?? [];
  if (captures === undefined) throw badValue(`Cannot use ${quote(value)}: expected "N in DURATION" or none`, 'Write for instance 3 in 1h');
  return { captures: readNumber(captures, 1, 1000), windowSeconds: readDuration(window, 'loop_limit') };
}
