import { spawnSync } from 'node:child_process';
import { rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import t from 'tap';
import { buildElfCore, buildMachine } from '../testing/build-machine.ts';

const driver = `page-worker-driver-${process.pid}`;

t.test('the executable has the program of its page workers in it', (t) => {
  t.teardown(() => rmSync(join('dist', driver), { force: true }));
  const words = ['build.ts', '--no-check', '--entry', 'agent/testing/page-worker-driver.ts', '--out', driver];
  const built = spawnSync('node_modules/.bin/bun', words, { encoding: 'utf8' });
  t.equal(built.status, 0, built.stderr);
  const vmcore = join(t.testdir(), 'vmcore');
  writeFileSync(vmcore, buildElfCore(buildMachine({ ranges: [{ start: 3, end: 700 }] })));
  const { stdout, stderr } = spawnSync(join('dist', driver), [vmcore], { encoding: 'utf8', timeout: 60_000 });
  t.equal(stdout.trim(), 'done', stderr);
  t.end();
});
