/**
 * What the run says, and to whom: the console at once, the kernel's log, the target's `kcapture.log`.
 */
import { printable } from '../binary/printable.ts';
import type { System } from '../sys/system.ts';

/** Kernel log levels. The console has our own lines already: what is ordinary stays below its usual threshold. @source linux/kern_levels.h */
const levels = { error: 3, warning: 4, info: 7 } as const;
export type LogLevel = keyof typeof levels;

/** Far more than any run says; what comes later is lost, not what came first. */
const mostLines = 20_000;
/** A line of the kernel's log. @source kernel/printk/printk.c, PRINTKRB_RECORD_MAX */
const mostKmsgBytes = 900;
/** What the run keeps in the capture kernel's memory. */
const runFolder = '/run/kcapture';
/** For whoever comes after an agent that died. */
const logInMemory = `${runFolder}/kcapture.log`;

export class RunLog {
  readonly #system: System;
  readonly #startedAt: number;
  readonly #lines: string[] = [];
  readonly #unattended: boolean;

  /** @param options.unattended the kernel's log and the file in memory are told too: the script that started us prints it when we die. */
  constructor(system: System, startedAt: number, options: { readonly unattended: boolean }) {
    this.#system = system;
    this.#startedAt = startedAt;
    this.#unattended = options.unattended;
    if (options.unattended) attempt(() => system.files.makeFolder(runFolder, 0o700));
  }

  info(text: string): void {
    this.#say('info', text);
  }

  warn(text: string): void {
    this.#say('warning', `warning: ${text}`);
  }

  error(text: string): void {
    this.#say('error', `error: ${text}`);
  }

  /** For the console alone, and the file. */
  progress(text: string): void {
    this.#print(text);
  }

  /** To the kernel's log alone; it takes a few lines a second and drops the rest. */
  kmsg(level: LogLevel, text: string): void {
    if (this.#unattended) attempt(() => this.#system.files.writeExisting('/dev/kmsg', `<${levels[level]}>kcapture: ${text}\n`));
  }

  /** Everything said so far. */
  get text(): string {
    return this.#lines.join('');
  }

  #say(level: LogLevel, text: string): void {
    this.#print(text);
    this.kmsg(level, printable(text, mostKmsgBytes));
  }

  #print(text: string): void {
    const seconds = ((this.#system.now() - this.#startedAt) / 1000).toFixed(3).padStart(8);
    const line = `[${seconds}] ${printable(text, 4000)}\n`;
    if (this.#lines.length < mostLines) {
      this.#lines.push(line);
      if (this.#unattended) attempt(() => this.#system.files.append(logInMemory, line));
    }
    this.#system.printError(`kcapture ${line}`);
  }
}

function attempt(action: () => void): void {
  try {
    action();
  } catch {
    // The console has it.
  }
}
