/** Other programs: one scenario with its answers on Node, and the same answers from Bun. */
import { spawnSync } from 'node:child_process';
import { chmodSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import t from 'tap';
import { runProgramScenario } from '../testing/program-scenario.ts';
import { runByNode } from '../testing/run-by-node.ts';
import { createPrograms } from './machine-programs.ts';

const said = (stdout: string, stderr = '', status = 0) => ({ status, stdout, stderr });

const expected = {
  output: said('out\n', 'err\n', 7),
  words: said('<a b><><$HOME><*>'),
  input: said('zwölf'),
  'no input': said(''),
  'input nobody reads': 0,
  environment: ['ADDED=yes'],
  folder: said('/usr\n'),
  'no such folder': said('', 'Cannot run "pwd": there is no folder "/none"', 127),
  'no such program': said('', 'Cannot run "kcapture-no-such-program": there is no such program', 127),
  'no program': said('', 'Cannot run "": there is no such program', 127),
  'a NUL among the words': 127,
  signal: said('', '', 128 + 15),
  'too much output': 128 + 9,
  'leads its group and session': '0 0\n',
  attached: said('', '', 3),
  find: true,
  'find a path': '/bin/sh',
  'find a folder': undefined,
  'find nothing': undefined,
  'find below': undefined,
  'left behind': { status: 124, stdout: 'started\n', childLives: false },
};

t.test('the scenario on Node', (t) => {
  const outcomes = runProgramScenario(createPrograms(runByNode), t.testdir());
  t.same(outcomes, expected);
  t.end();
});

t.test('the scenario on Bun', (t) => {
  const run = spawnSync('node_modules/.bin/bun', ['agent/testing/machine-driver.ts', 'programs', t.testdir()], { encoding: 'utf8' });
  t.equal(run.status, 0, run.stderr);
  t.same(JSON.parse(run.stdout), JSON.parse(JSON.stringify(expected)));
  t.end();
});

t.test('real pipes on Bun', (t) => {
  const folder = t.testdir();
  const run = spawnSync('node_modules/.bin/bun', ['agent/testing/machine-driver.ts', 'pipes', folder], { encoding: 'utf8' });
  t.equal(run.status, 0, run.stderr);
  t.same(JSON.parse(run.stdout), {
    'opened again': said('out\n', 'err\n'),
    'more than a pipe holds': [0, true],
    'both outputs at once': 5_000_000,
    'closed early': said('', '', 4),
    'its descriptors': 4,
    'signals it ignores': '0000000000000000',
    'signals it blocks': '0000000000000000',
    'no program': said('', `Cannot run "${join(folder, 'no-program')}": it is no program for this machine (ENOEXEC)`, 127),
    'a long word': 127,
    'input while attached': 6,
    'killed when it writes too much': 128 + 9,
    'and it is gone': true,
    'left behind': [5, true, true],
    leaked: 0,
  });
  t.end();
});

t.test('programs in sbin are found whatever PATH says', (t) => {
  const before = process.env.PATH;
  process.env.PATH = '/none:relative:';
  const { find } = createPrograms(runByNode);
  const found = ['sh', 'mount', 'mkfs.ext4'].map(find);
  process.env.PATH = before;
  t.match(found, [/\/sh$/, /\/mount$/, /\/sbin\/mkfs.ext4$/]);
  t.end();
});

t.test('below another root only its own programs are found, and they run', (t) => {
  const root = t.testdir({ usr: { sbin: { lvm: '#!/bin/sh\necho "lvm $*"\n', plain: 'no program' } } });
  chmodSync(join(root, 'usr/sbin/lvm'), 0o755);
  writeFileSync(join(root, 'sh'), '');
  const programs = createPrograms(runByNode, root);
  t.equal(programs.find('lvm'), '/usr/sbin/lvm');
  t.same(['plain', 'sh', '/bin/sh'].map(programs.find), [undefined, undefined, undefined]);
  t.same(programs.run(['lvm', 'vgs']), said('lvm vgs\n'));
  t.same(programs.run(['/usr/sbin/lvm']), said('lvm \n'));
  t.equal(programs.run(['sh']).status, 127);
  t.end();
});

t.test('a program that leaves another behind gives its own status', (t) => {
  const { status, stdout } = createPrograms(runByNode).run(['sh', '-c', 'echo ready; sleep 8 & exit 5'], { timeoutMs: 4000 });
  t.same({ status, stdout }, { status: 5, stdout: 'ready\n' });
  t.end();
});
