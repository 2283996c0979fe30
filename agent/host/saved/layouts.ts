/**
 * The names other systems and we give to what a capture saves: one row each.
 *
 * ```
 * kcapture     HOST-YYYY-MM-DD-hh:mm:ss/   vmcore-dmesg.txt  vmcore       manifest.json  kcapture.log
 * kdump-utils  HOST-YYYY-MM-DD-hh:mm:ss/   vmcore-dmesg.txt  vmcore[.flat]               kexec-dmesg.log
 * suse         [HOST-]YYYY-MM-DD-hh:mm/    dmesg.txt         vmcore                      README.txt
 * debian       [HOST-]YYYYMMDDhhmm/        dmesg.TIME        dump.TIME
 * ```
 * What is not finished is called `…-incomplete`; with Debian `dump-incomplete`.
 */
import type { Layout } from './saved-dump.ts';

export type FolderName = { readonly layouts: readonly Layout[]; readonly host: string | undefined; readonly time: string };

const patterns: readonly { readonly pattern: RegExp; readonly layouts: readonly Layout[] }[] = [
  { pattern: /^(?:(.{1,255})-)?(\d{4})-(\d\d)-(\d\d)-(\d\d):(\d\d):(\d\d)(?:\.\d{1,3})?$/s, layouts: ['kcapture', 'kdump-utils'] },
  { pattern: /^(?:(.{1,255})-)?(\d{4})-(\d\d)-(\d\d)-(\d\d)[:-](\d\d)$/s, layouts: ['suse'] },
  { pattern: /^(?:(.{1,255})-)?(\d{4})(\d\d)(\d\d)(\d\d)(\d\d)$/s, layouts: ['debian'] },
];

/** What a folder's name says; `undefined` when no capture is called that. */
export function readFolderName(name: string): FolderName | undefined {
  for (const { pattern, layouts } of patterns) {
    const match = pattern.exec(name.replace(/-incomplete$/, ''));
    if (match === null) continue;
    const [, host, year, month, day, hour, minute, second = '00'] = match;
    if (Number(month) > 12 || Number(day) > 31 || Number(hour) > 23 || Number(minute) > 59 || Number(second) > 60) continue;
    return { layouts, host, time: `${year}-${month}-${day} ${hour}:${minute}:${second}` };
  }
  return undefined;
}

/** The layout the files of a folder speak for, among those its name allows. */
export function chooseLayout(allowed: readonly Layout[], names: readonly string[]): Layout {
  if (allowed[0] !== 'kcapture') return allowed[0];
  return names.some((name) => /^(manifest\.json|kcapture\.log)(-incomplete)?$/.test(name)) ? 'kcapture' : 'kdump-utils';
}

const unfinishedName = /-incomplete(\.[a-z]+)?$/;
const logNames = /^(vmcore-dmesg(-incomplete)?\.txt(-incomplete)?|dmesg\.txt|dmesg\.\d{12})$/;
const memoryNames = /^(vmcore(\.flat)?(-incomplete)?|vmcore-incomplete\.flat|dump\.\d{12}|dump-incomplete)$/;

export function isUnfinished(name: string): boolean {
  return unfinishedName.test(name);
}

export function isLog(name: string): boolean {
  return logNames.test(name);
}

export function isMemory(name: string): boolean {
  return memoryNames.test(name);
}
