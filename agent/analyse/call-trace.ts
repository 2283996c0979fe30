/**
 * The facts that stand below the opening line of an oops, a BUG or a panic: who ran, where, and who had called it.
 *
 * @source kernel/panic.c, lib/dump_stack.c dump_stack_print_info(), arch/x86/kernel/{process_64,dumpstack}.c, arch/arm64/kernel/{process,stacktrace}.c
 */
export type CallTrace = {
  readonly cpu?: number;
  readonly pid?: number;
  readonly comm?: string;
  /** The text from "Tainted:" on, or "Not tainted". */
  readonly tainted?: string;
  /** `RIP: 0010:function+0x12/0x34` or `pc : function+0x12/0x34`. */
  readonly instruction?: string;
  readonly hardware?: string;
  /** The functions, innermost first, as the kernel printed them. Frames it marked unsure keep their "? ". */
  readonly trace: readonly string[];
};

type Facts = { -readonly [K in keyof CallTrace]: CallTrace[K] };

const whoPattern = /^CPU: (\d+) (?:UID: \d+ )?PID: (\d+) Comm: (.*?) ((?:Kdump: loaded )?(?:Tainted: .*|Not tainted)).*$/;
const instructionPattern = /^(?:RIP: |pc : )\S/;
/** User mode's own RIP closes an x86 trace and says nothing about the kernel. */
const userInstruction = /^RIP: 0033:/;
const traceStart = /^Call [Tt]race:/;
const framePattern = /^(?:\[<[0-9a-f]+>\] )?(\? )?[\w.$]+\+0x[0-9a-f]+\/0x[0-9a-f]+/;
/** `<TASK>`, `<IRQ>` and their ends stand between frames. */
const stackMark = /^<\/?[A-Z#]+>$|^<\/?\S+>$/;
const anotherReport = /^(?:---\[ end trace|------------\[ cut here|(?:Sending NMI|NMI backtrace))/;

const searchLines = 250;
const maxFrames = 100;

/** Reads what follows line `at`; the facts that are not there are left out, `trace` may be empty. */
export function readCallTrace(lines: readonly string[], at: number): CallTrace {
  const facts: Facts = { trace: [] };
  const end = Math.min(lines.length, at + searchLines);
  for (let i = at; i < end; i++) {
    const line = lines[i];
    if (i > at + 2 && anotherReport.test(line) && facts.trace.length > 0) break;
    readWho(facts, line);
    if (facts.instruction === undefined && instructionPattern.test(line) && !userInstruction.test(line)) facts.instruction = line;
    if (facts.hardware === undefined && line.startsWith('Hardware name: ')) facts.hardware = line.slice('Hardware name: '.length);
    if (facts.trace.length === 0 && traceStart.test(line)) facts.trace = readFrames(lines, i + 1, end);
  }
  return facts;
}

function readWho(facts: Facts, line: string): void {
  if (facts.cpu !== undefined) return;
  const who = whoPattern.exec(line);
  if (who === null) return;
  facts.cpu = Number(who[1]);
  facts.pid = Number(who[2]);
  facts.comm = who[3];
  facts.tainted = who[4].replace(/^Kdump: loaded /, '').trim();
}

function readFrames(lines: readonly string[], start: number, end: number): string[] {
  const frames: string[] = [];
  for (let i = start; i < end && frames.length < maxFrames; i++) {
    if (framePattern.test(lines[i])) frames.push(lines[i]);
    else if (!stackMark.test(lines[i])) break;
  }
  return frames;
}
