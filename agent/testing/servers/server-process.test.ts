/** Servers of tests live no longer than the test, whatever ends it. */
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { buildSync } from 'esbuild';
import t from 'tap';
import { freePort, startServer } from './server-process.ts';

const source = 'agent/testing/servers/server-driver.ts';
const driverName = 'server-driver.mjs';
const goneMs = 20_000;

/** Processes that bear the mark in their command lines; one that is dead and not yet reaped has none. */
function marked(mark: string): readonly number[] {
  return readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name) && bears(name, mark))
    .map(Number);
}

function bears(pid: string, mark: string): boolean {
  try {
    const words = readFileSync(`/proc/${pid}/cmdline`, 'latin1').split('\0');
    return words.includes(mark) && !words.some((word) => word.endsWith(driverName));
  } catch {
    return false;
  }
}

/** Until none is left, or the time is over. */
async function survivors(mark: string): Promise<readonly number[]> {
  const endsAt = Date.now() + goneMs;
  for (let left = marked(mark); ; left = marked(mark)) {
    if (left.length === 0 || Date.now() > endsAt) return left;
    await delay(50);
  }
}

/** @returns what it said first, or that it ended. */
async function firstWord(child: ChildProcess): Promise<string> {
  const [word] = await Promise.race([once(child.stdout!, 'data'), once(child, 'close')]);
  return String(word).trim();
}

for (const runtime of ['Node', 'Bun'] as const) {
  for (const state of ['running', 'held'] as const) {
    t.test(`a ${state} server dies with ${runtime} that started it and was killed`, async (t) => {
      const mark = t.testdir();
      const driver = join(mark, driverName);
      buildSync({ entryPoints: [source], outfile: driver, bundle: true, format: 'esm', platform: 'node', target: 'node20' });
      const program = runtime === 'Node' ? process.execPath : 'node_modules/.bin/bun';
      const words = [driver, String(await freePort()), mark, ...(state === 'held' ? ['held'] : [])];
      const child = spawn(program, words, { stdio: ['ignore', 'pipe', 'inherit'] });
      t.teardown(() => {
        child.kill('SIGKILL');
        for (const pid of marked(mark)) process.kill(pid, 'SIGKILL');
      });
      t.equal(await firstWord(child), 'started');
      t.equal(marked(mark).length >= 2, true, 'the server is there, and what it left behind');
      child.kill('SIGKILL');
      t.same(await survivors(mark), []);
    });
  }
}

t.test('one that is killed is gone with all it started, and may be started again', async (t) => {
  const [mark, port] = [t.testdir(), await freePort()];
  const listen = 'require("node:net").createServer((socket) => socket.destroy()).listen(process.argv[1], "127.0.0.1")';
  const argv = ['sh', '-c', 'setsid sh -c "sleep 600; :" "$2" & exec node -e "$0" "$1" "$2"', listen, `${port}`, mark];
  const server = await startServer({ argv, port });
  t.teardown(() => server.kill());
  for (const round of ['first', 'second']) {
    await server.kill();
    t.same(await survivors(mark), [], round);
    await server.start();
  }
  t.equal(marked(mark).length >= 2, true);
});
