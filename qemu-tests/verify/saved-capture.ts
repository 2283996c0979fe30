/**
 * A folder that a capture left behind, judged by tools that are not ours: names, modes, checksums, the log, the memory.
 */
import { existsSync, readdirSync, readFileSync, statSync } from 'node:fs';
import { basename, join } from 'node:path';
import { command } from '../command.ts';
import type { Kernel } from '../kernels.ts';
import type { Checks } from './checks.ts';
import { complaints, crashPrograms, crashSession, vmlinux } from './crash-session.ts';
import { checkDrgn, checkKeptPages } from './kept-pages.ts';
import { makedumpfileFor, newestMakedumpfile, type ReportedCounts, runMakedumpfile } from './makedumpfile.ts';
import { checkPageFilter } from './page-filter.ts';

/** What a server that takes streams alone has. */
const flattenedName = 'vmcore.flat';

/** The members of `manifest.json` that scenarios ask for. */
export type SavedManifest = {
  readonly status: 'complete' | 'partial' | 'dmesg-only' | 'failed';
  readonly target: string;
  readonly failedTargets: readonly { readonly target: string; readonly why: string }[];
  readonly files: readonly { readonly name: string; readonly sizeBytes: number; readonly sha256?: string; readonly complete: boolean }[];
  readonly dump?: { readonly pages: ReportedCounts; readonly level: number; readonly complete: boolean };
  readonly lost: readonly string[];
  readonly warnings: readonly string[];
  readonly elapsedMs: Readonly<Record<string, number>>;
  readonly captureKernel: { readonly memoryBytes: number; readonly peakMemoryBytes: number; readonly commandLine: string };
};

/** The captures in a folder of dumps, oldest first, as paths. */
export function savedCaptures(folder: string): readonly string[] {
  return readdirSync(folder)
    .sort()
    .map((name) => join(folder, name));
}

/** @throws Error when there is no manifest or it is no JSON. */
export function readManifest(capture: string): SavedManifest {
  return JSON.parse(readFileSync(join(capture, 'manifest.json'), 'utf8')) as SavedManifest;
}

/** All that holds for a capture that lost nothing. */
export function checkCompleteCapture(checks: Checks, kernel: Kernel, capture: string, folder: string): void {
  checkWholeFiles(checks, capture, folder);
  checkDumpOpens(checks, kernel, plainDump(capture, folder));
}

/**
 * The capture's dump as crash and drgn read it. One that came as a stream is put in order by makedumpfile, once.
 * @param folder where that goes.
 */
export function plainDump(capture: string, folder: string): string {
  const stream = join(capture, flattenedName);
  if (!existsSync(stream)) return join(capture, 'vmcore');
  const plain = join(folder, `${basename(capture)}.vmcore`);
  if (!existsSync(plain)) command(['sh', '-c', 'in=$1; shift; exec "$@" <"$in"', 'sh', stream, ...newestMakedumpfile().argv, '-R', plain]);
  return plain;
}

/** The same without crash, which needs the kernel's debug data. */
export function checkWholeFiles(checks: Checks, capture: string, folder: string): void {
  const manifest = readManifest(capture);
  const names = readdirSync(capture).sort();
  const dump = names.includes(flattenedName) ? flattenedName : 'vmcore';
  const expected = ['kcapture.log', 'manifest.json', dump, 'vmcore-dmesg.txt'].sort();
  checks.equal(names, expected, 'the capture has its four files, none unfinished');
  checks.equal([manifest.status, manifest.lost], ['complete', []], 'the manifest says that it is complete and nothing is lost');
  checkFiles(checks, capture, manifest);
  checkSavedLog(checks, capture, folder);
}

/** Modes, and each file's size and checksum as the manifest has them. */
export function checkFiles(checks: Checks, capture: string, manifest: SavedManifest): void {
  const mode = (path: string) => (statSync(path).mode & 0o7777).toString(8);
  const modes = readdirSync(capture).map((name) => mode(join(capture, name)));
  checks.equal([mode(capture), ...new Set(modes)], ['700', '600'], 'nobody but root may read the folder and its files');
  for (const { name, sizeBytes, sha256 } of manifest.files) {
    const path = join(capture, name);
    const sum = command(['sha256sum', path]).split(' ')[0];
    checks.equal([sizeBytes, sha256], [statSync(path).size, sum], `${name}: size and SHA-256 of the manifest are the file's`);
  }
}

/** The log is what makedumpfile finds in the dump, and ends with the panic. */
export function checkSavedLog(checks: Checks, capture: string, folder: string): void {
  const theirs = join(folder, 'witness.dmesg');
  runMakedumpfile(newestMakedumpfile(), ['--dump-dmesg'], plainDump(capture, folder), theirs);
  const log = readFileSync(join(capture, 'vmcore-dmesg.txt'));
  checks.ok(log.equals(readFileSync(theirs)), `the log is what makedumpfile finds in the dump, byte for byte (${log.length} bytes)`);
  checks.ok(log.includes('Kernel panic - not syncing: '), 'the log holds the panic');
}

/** crash runs its usual commands on the dump without a complaint. */
export function checkDumpOpens(checks: Checks, kernel: Kernel, dump: string): void {
  const symbols = vmlinux(kernel);
  for (const program of crashPrograms()) {
    const session = crashSession(program, symbols, dump);
    checks.equal(complaints(session), [], `${program.name} has nothing to complain about`);
    checks.ok(/PANIC:/.test(session.get('sys') ?? ''), `${program.name} knows the panic`, session.get('sys'));
    checks.ok(/sysrq_handle_crash/.test(session.get('bt') ?? ''), `${program.name} shows who crashed it`, session.get('bt'));
  }
}

/** The dump against the machine's memory as QEMU has it. @param raw A vmcore made of that memory. */
export function checkAgainstMemory(checks: Checks, kernel: Kernel, capture: string, raw: string, folder: string): void {
  const manifest = readManifest(capture);
  if (manifest.dump === undefined) return checks.ok(false, 'the manifest tells of a dump');
  const dump = plainDump(capture, folder);
  checkPageFilter(
    checks,
    makedumpfileFor(kernel),
    manifest.dump.level,
    { path: dump, pages: manifest.dump.pages },
    raw,
    join(folder, 'witness'),
  );
  checkKeptPages(checks, dump, raw, 'against the memory QEMU saw');
  checkDrgn(checks, dump, raw, dump, 'against the memory QEMU saw');
}
