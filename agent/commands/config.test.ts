import t, { type Test } from 'tap';
import { run } from '../cli.ts';
import { createRootedSystem } from '../testing/rooted-system.ts';

const build = { version: '1.2.3', commit: 'abc', runtime: 'node', arch: 'x64' };
type Tree = Record<string, string>;

async function setUp(t: Test, etc: Tree) {
  const system = await createRootedSystem(t.testdir({ etc }));
  return { system, go: (...words: string[]) => run(system, build, ['config', ...words]) };
}

t.test('config check says what a good file means', async (t) => {
  const { system, go } = await setUp(t, { 'kcapture.conf': 'ext4 LABEL=crash\nnfs srv:/x\nlevel 31\nkeep 5 30d\nfailure_action shell\n' });
  t.equal(await go('check'), 0);
  t.match(system.printed.out, '/etc/kcapture.conf:\n');
  t.match(system.printed.out, '1. /var/crash inside ext4 LABEL=crash');
  t.match(system.printed.out, '2. /var/crash inside nfs srv:/x');
  t.match(system.printed.out, 'more than 5 or any older than 30d');
  t.match(system.printed.out, 'If nothing could be saved, a shell opens');
});

t.test('config check names file, line, what is wrong and what was meant', async (t) => {
  const { system, go } = await setUp(t, { 'kcapture.conf': '# ours\npth /srv\nfinal_action rebot\n' });
  t.equal(await go('check'), 1);
  t.equal(
    system.printed.out,
    `/etc/kcapture.conf:2: error: Cannot use "pth": there is no such directive
  Did you mean "path"?
/etc/kcapture.conf:3: error: final_action: Cannot use "rebot": expected reboot, halt or poweroff
  Did you mean "reboot"?
2 errors, 0 warnings. A capture runs all the same, without these lines.
`,
  );
});

t.test('config check --json is for scripts', async (t) => {
  const { system, go } = await setUp(t, { 'kdump.conf': 'default shell\nblacklist x\n' });
  t.equal(await go('check', '--json'), 1);
  t.match(JSON.parse(system.printed.out), {
    file: '/etc/kdump.conf',
    errors: 1,
    warnings: 1,
    problems: [
      { line: 1, severity: 'warning' },
      { line: 2, severity: 'error', hint: /module_blacklist/ },
    ],
  });
});

t.test('warnings alone are no failure', async (t) => {
  const { system, go } = await setUp(t, { 'kdump.conf': 'default shell\n' });
  t.equal(await go('check'), 0);
  t.match(system.printed.out, /^\/etc\/kdump\.conf:1: warning: /);
  t.match(system.printed.out, 'A dump goes to /var/crash on the running system');
});

t.test('kcapture.conf wins over kdump.conf, and without both the defaults hold', async (t) => {
  const both = await setUp(t, { 'kcapture.conf': 'path /ours\n', 'kdump.conf': 'path /theirs\n' });
  t.equal(await both.go('show'), 0);
  t.match(both.system.printed.out, '# /etc/kcapture.conf\npath /ours\n');
  const none = await setUp(t, {});
  t.equal(await none.go('show'), 0);
  t.match(
    none.system.printed.out,
    /no \/etc\/kcapture\.conf and no \/etc\/kdump\.conf: the defaults hold\npath \/var\/crash {2}# default\n/,
  );
  t.equal(await none.go('check'), 0);
});

t.test('a file that is named must be there, and a folder is none', async (t) => {
  const { system, go } = await setUp(t, { 'x.conf': 'path /x\n' });
  t.equal(await go('check', '/etc/x.conf'), 0);
  t.equal(await go('check', '/etc/y.conf'), 1);
  t.match(system.printed.error, 'Cannot read "/etc/y.conf": there is no such file');
  t.equal(await go('check', '/etc'), 1);
  t.match(system.printed.error, 'Cannot read "/etc": a folder, expected a file');
});

t.test('no secret is ever printed', async (t) => {
  const text =
    'notify https://bot:hunter2@hooks.example.org/services/hunter2?token=hunter2\ncmdline_append iscsi_password=hunter2 quiet\next4 /dev/sda1 credentials=hunter2\n';
  const { system, go } = await setUp(t, { 'kcapture.conf': text });
  for (const words of [['check'], ['check', '--json'], ['show'], ['show', '--json']]) t.equal(await go(...words), 0, words.join(' '));
  t.match(system.printed.out, 'notify https://bot:***@hooks.example.org/***');
  t.match(system.printed.out, 'iscsi_password=*** quiet');
  t.notMatch(system.printed.out + system.printed.error, 'hunter2');
});

t.test('config directives lists every word', async (t) => {
  const { system, go } = await setUp(t, {});
  t.equal(await go('directives'), 0);
  t.match(system.printed.out, /^failure_action reboot\|halt\|poweroff\|shell\|dump_to_rootfs \(formerly default\)$/m);
  t.match(system.printed.out, /^kcapture\.skip=\[0\|1\]$/m);
  system.printed.out = '';
  t.equal(await go('directives', '--json'), 0);
  t.match(
    JSON.parse(system.printed.out).directives.find(({ name }: { name: string }) => name === 'keep'),
    { default: 'all', origin: 'kcapture' },
  );
});

t.test('words that make no sense are a usage error', async (t) => {
  const { go } = await setUp(t, {});
  t.equal(await go('chek'), 2);
  t.equal(await go('check', '--jsn'), 2);
});
