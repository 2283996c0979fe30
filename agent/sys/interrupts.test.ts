/** Signals to a program that blocks, run under Bun in a process of its own. */
import { spawn } from 'node:child_process';
import t from 'tap';

type Test = { readonly teardown: (handler: () => unknown) => unknown };

/** @param shell before the program starts. */
function start(test: Test, shell = ':') {
  const child = spawn('sh', ['-c', `${shell}; exec node_modules/.bin/bun agent/testing/interrupt-driver.ts`], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  test.teardown(() => child.kill('SIGKILL'));
  let text = '';
  let wake = () => {};
  child.stdout.on('data', (bytes: Buffer) => {
    text += bytes.toString();
    wake();
  });
  const ended = new Promise<NodeJS.Signals | null>((resolve) => child.once('exit', (_, signal) => resolve(signal)));
  const says = async (line: string) => {
    while (!text.split('\n').includes(line))
      await Promise.race([new Promise<void>((resolve) => (wake = resolve)), ended.then(() => fail(line))]);
  };
  return { child, ended, says, text: () => text };
}

function fail(line: string): never {
  throw new Error(`It ended without saying "${line}"`);
}

t.test('a signal is heard while the program blocks, and the next one ends it', async (t) => {
  for (const [first, second] of [
    ['SIGINT', 'SIGINT'],
    ['SIGTERM', 'SIGTERM'],
    ['SIGINT', 'SIGTERM'],
  ] as const) {
    const { child, ended, says } = start(t);
    await says('watching');
    child.kill(first);
    await says('heard');
    child.kill(second);
    t.equal(await ended, second);
  }
});

t.test('what was ignored from the start stays ignored', async (t) => {
  const { child, ended, says, text } = start(t, 'trap "" INT');
  await says('watching');
  child.kill('SIGINT');
  child.kill('SIGTERM');
  await says('heard');
  child.kill('SIGINT');
  child.kill('SIGTERM');
  t.equal(await ended, 'SIGTERM');
  t.equal(text(), 'watching\nheard\n');
});
