/** Questions on a terminal, and lines of standard input. A secret is not shown while it is typed. */
import { decodeText } from '../../binary/text.ts';
import type { System } from '../../sys/system.ts';

const mostBytes = 64 * 1024;

/** True when somebody can type an answer. */
export function isTerminal({ programs }: Pick<System, 'programs'>): boolean {
  return programs.run(['tty', '-s'], { attached: true, timeoutMs: 10_000 }).status === 0;
}

/** One line, without its end. Empty at the end of the input. */
export function ask(system: System, question: string): string {
  system.printError(question);
  const line = new Uint8Array(mostBytes);
  let length = 0;
  // Byte by byte: what follows the line belongs to the next question.
  while (length < line.length && system.readStandardInput(line.subarray(length, length + 1)) === 1 && line[length] !== 0x0a) length++;
  return decodeText(line.subarray(0, length)).replace(/\r$/, '');
}

/** As `ask`, with the terminal's echo off. */
export function askSecret(system: System, question: string): string {
  const echo = (word: string) => system.programs.run(['stty', word], { attached: true, timeoutMs: 10_000 });
  echo('-echo');
  try {
    return ask(system, question);
  } finally {
    echo('echo');
    system.printError('\n');
  }
}

/** Everything that comes on standard input, at most 64 KiB of it. */
export function readInput(system: System): string {
  const text = new Uint8Array(mostBytes);
  let length = 0;
  while (length < text.length) {
    const count = system.readStandardInput(text.subarray(length));
    if (count === 0) break;
    length += count;
  }
  return decodeText(text.subarray(0, length));
}
