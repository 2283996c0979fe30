/**
 * The names of what a capture leaves behind: one folder a crash, `<host>-<YYYY-MM-DD-hh:mm:ss>` in UTC, and the files in it. A second capture in one
 * second has `.2` behind its name.
 */

export const dumpFiles = { dmesg: 'vmcore-dmesg.txt', memory: 'vmcore', manifest: 'manifest.json', log: 'kcapture.log' } as const;
export type DumpFile = (typeof dumpFiles)[keyof typeof dumpFiles];

/** The memory on a target that takes a stream and nothing else: to be rearranged before it is read. */
export const flattenedMemory = 'vmcore.flat';

export { unfinished } from '../remote/stored-names.ts';

/** The folder of a capture that began at `timeMs` (since 1970, UTC). */
export function formatDumpName(host: string, timeMs: number): string {
  return `${safeHost(host)}-${new Date(timeMs).toISOString().slice(0, 19).replace('T', '-')}`;
}

export type DumpName = { readonly host: string; readonly timeMs: number };

const pattern = /^([A-Za-z0-9][A-Za-z0-9._-]{0,63})-(\d{4}-\d\d-\d\d)-(\d\d:\d\d:\d\d)(?:\.\d{1,3})?$/;

/** The parts of a name that `formatDumpName` gave; `undefined` for any other name. */
export function parseDumpName(name: string): DumpName | undefined {
  const [, host, date, time] = pattern.exec(name) ?? [];
  if (time === undefined) return undefined;
  const timeMs = Date.parse(`${date}T${time}Z`);
  return Number.isNaN(timeMs) ? undefined : { host, timeMs };
}

/** A host name as part of a file name: nothing in it leads elsewhere or hides the folder. */
export function safeHost(host: string): string {
  const safe = host
    .replace(/[^A-Za-z0-9._-]/g, '_')
    .replace(/^[^A-Za-z0-9]+/, '')
    .slice(0, 64);
  return safe === '' ? 'localhost' : safe;
}
