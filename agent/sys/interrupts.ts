/**
 * Ctrl-C and SIGTERM for a thread that blocks. The event loop, which would tell of them, does not turn while a dump is made; without it a signal either ends the
 * program on the spot or is heard when all is over (measured). So a handler of a few lines of C notes the number, and the dump looks at it now and then.
 *
 * @source signal(2), signal-safety(7); Bun compiles C in memory, as it does for each call into a library
 */
import { cc, type Library } from 'bun:ffi';
import { createMemoryFile, NativeError } from './libc.ts';
import { writeAll } from './stdout-sink.ts';

/** The first signal is noted and gives the next one its usual meaning. One that was ignored from the start, as by nohup, stays ignored. */
const program = `
typedef void (*handler)(int);
extern handler signal(int, handler);
static volatile int noted;
static void end_by(int number) { if (signal(number, (handler)0) == (handler)1) signal(number, (handler)1); }
static void note(int number) { noted = number; end_by(2); end_by(15); }
static void watch_one(int number) { if (signal(number, note) == (handler)1) signal(number, (handler)1); }
int watch(void) { watch_one(2); watch_one(15); return 0; }
int seen(void) { return noted; }
`;
const functions = { watch: { args: [], returns: 'i32' }, seen: { args: [], returns: 'i32' } } as const;

let library: Library<typeof functions> | undefined;

/**
 * From now on the first SIGINT or SIGTERM does not end the program. The second does.
 *
 * @returns whether one has come; always false where no handler can be set, and a signal ends the program as ever.
 */
export function watchInterrupts(): () => boolean {
  const { watch, seen } = library?.symbols ?? compile() ?? {};
  // Why: nothing else hears of a signal while this thread blocks.
  // Safe: no pointer goes in or out; the handler sets a word and calls signal(2), which is allowed there.
  watch?.();
  // Why: the word that the handler sets is seen through this alone.
  // Safe: no pointer goes in or out.
  return () => seen !== undefined && seen() !== 0;
}

function compile() {
  try {
    const fd = createMemoryFile('kcapture-interrupts');
    writeAll(fd, new TextEncoder().encode(program), () => {});
    // Why: a signal handler has to be native code.
    // Safe: the text is ours and constant; it needs no header, and of the C library only signal(2).
    library = cc({ source: `/proc/self/fd/${fd}`, symbols: functions });
    return library.symbols;
  } catch (error) {
    // Bun's compiler throws plain errors: without it all is as it was.
    if (error instanceof NativeError || error instanceof Error) return undefined;
    throw error;
  }
}
