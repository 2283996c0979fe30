/**
 * The `crash` utility runs the usual commands on a dump, with the kernel's debug package.
 *
 * Two releases are asked: the system's, and sid's with its own libraries (which knows the task table of newer 6.1 kernels). What a release
 * says of a dump must be what it says of the raw vmcore.
 */
import { command, tryCommand } from '../command.ts';
import { foreignProgram } from '../foreign-program.ts';
import { kernelFiles } from '../kernel-files.ts';
import type { Kernel } from '../kernels.ts';
import { oneFile } from '../packages.ts';

export const crashCommands = ['sys', 'bt', 'log', 'ps', 'kmem -i', 'mod'] as const;

export type CrashProgram = { readonly name: string; readonly argv: readonly string[] };

export function crashPrograms(): readonly CrashProgram[] {
  const system = tryCommand(['crash', '-v']);
  const codecs = command(['ldd', command(['sh', '-c', 'command -v crash']).trim()]);
  const all = ['lzo', 'snappy', 'zstd'].every((codec) => codecs.includes(`lib${codec}`));
  const newest = { name: "sid's crash", argv: foreignProgram('sid', 'crash', 'usr/bin/crash').argv };
  // A crash built without a codec cannot open such a dump.
  return all ? [{ name: `crash ${/^crash (\S+)/m.exec(system.stdout)?.[1]}`, argv: ['crash'] }, newest] : [newest];
}

/** The kernel with its debug data; only the 6.1 row's is small enough to fetch in every run. */
export function vmlinux(kernel: Kernel): string {
  const { imagePackage, release } = kernelFiles(kernel);
  const debug = { name: `${imagePackage.name}-dbg`, version: imagePackage.version };
  return oneFile(kernel.suite, debug, `usr/lib/debug/boot/vmlinux-${release}`);
}

/** What each command printed, without what names the file. @throws Error when crash gives up. */
export function crashSession(program: CrashProgram, vmlinuxPath: string, dump: string): ReadonlyMap<string, string> {
  const input = crashCommands.map((line) => `!echo "=== ${line}"\n${line}\n`).join('');
  const output = command([...program.argv, '-s', '--no_scroll', vmlinuxPath, dump], { input: `${input}quit\n`, timeoutMs: 120_000 });
  const sections = output.split(/^=== /m).slice(1);
  return new Map(sections.map((section) => [section.slice(0, section.indexOf('\n')), section.slice(section.indexOf('\n') + 1)]));
}

/** Lines in which crash complains. */
export function complaints(session: ReadonlyMap<string, string>): readonly string[] {
  // The log is the kernel's own text and may say "error".
  const lines = [...session].filter(([name]) => name !== 'log').flatMap(([, text]) => text.split('\n'));
  return lines.filter((line) => /\b(error|cannot|invalid|seek|page excluded|WARNING|failed)\b/i.test(line));
}

/** The text without the lines that name the dump file, or say that pages were left out. */
export function withoutFileName(text: string): string {
  return text.replace(/^\s*DUMPFILE:.*\n/m, '');
}
