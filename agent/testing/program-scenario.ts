/** What `Programs` is asked in its tests: Node and Bun must give the same answers. */
import { existsSync, readFileSync } from 'node:fs';
import type { Programs } from '../sys/programs-interface.ts';
import type { Outcomes } from './file-scenario.ts';

/** @param folder an empty one. */
export function runProgramScenario(programs: Programs, folder: string): Outcomes {
  const script = (text: string, ...words: string[]) => ['sh', '-c', text, 'sh', ...words];
  const outcomes: Record<string, unknown> = {
    output: programs.run(script('echo out; echo err >&2; exit 7')),
    words: programs.run(script('printf "<%s>" "$@"', 'a b', '', '$HOME', '*')),
    input: programs.run(['cat'], { input: 'zwölf' }),
    'no input': programs.run(['cat']),
    'input nobody reads': programs.run(['true'], { input: new Uint8Array(5_000_000) }).status,
    environment: programs
      .run(['env'], { environment: { ADDED: 'yes', PATH: undefined } })
      .stdout.split('\n')
      .filter((line) => /^(ADDED|PATH)=/.test(line)),
    folder: programs.run(['pwd'], { folder: '/usr' }),
    'no such folder': programs.run(['pwd'], { folder: '/none' }),
    'no such program': programs.run(['kcapture-no-such-program']),
    'no program': programs.run([]),
    'a NUL among the words': programs.run(['echo', 'a\0b']).status,
    signal: programs.run(script('kill -TERM $$')),
    'too much output': programs.run(['head', '-c', '20000000', '/dev/zero']).status,
    'leads its group and session': programs.run(
      script('read -r pid _ _ _ group session rest < /proc/self/stat; echo "$(( pid - group )) $(( pid - session ))"'),
    ).stdout,
    attached: programs.run(script('exit 3'), { attached: true }),
    find: programs.find('sh')?.endsWith('/sh'),
    'find a path': programs.find('/bin/sh'),
    'find a folder': programs.find('/bin'),
    'find nothing': programs.find('kcapture-no-such-program'),
    'find below': programs.find('../bin/sh'),
  };
  outcomes['left behind'] = leftBehind(programs, folder);
  return outcomes;
}

/** A program that starts another, which ignores what can be ignored, and both sleep: when time is over neither may live. */
function leftBehind(programs: Programs, folder: string): unknown {
  const text = 'trap "" TERM HUP; (sleep 1000) & echo $! > "$1/child"; echo started; sleep 1000';
  const { status, stdout } = programs.run(['sh', '-c', text, 'sh', folder], { timeoutMs: 3000 });
  const child = Number(readFileSync(`${folder}/child`, 'latin1'));
  return { status, stdout, childLives: isRunning(child) };
}

/** False for a process that has ended and only waits for its parent to ask. It is given some time to end. */
function isRunning(pid: number): boolean {
  for (let attempt = 0; attempt < 200; attempt++) {
    if (!existsSync(`/proc/${pid}/stat`)) return false;
    try {
      if (/^\d+ \(.*\) Z/.test(readFileSync(`/proc/${pid}/stat`, 'latin1'))) return false;
    } catch {
      return false;
    }
    Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 10);
  }
  return true;
}
