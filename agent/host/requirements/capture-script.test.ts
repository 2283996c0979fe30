import { spawnSync } from 'node:child_process';
import { chmodSync, copyFileSync, existsSync, mkdirSync, readFileSync, symlinkSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import t, { type Test } from 'tap';
import { createNodeSystem } from '../../testing/node-system.ts';
import { collectLibraries } from '../image/library-closure.ts';

const script = readFileSync('hooks/capture.sh', 'utf8');
const find = (name: string) => spawnSync('sh', ['-c', `command -v ${name}`], { encoding: 'utf8' }).stdout.trim();
const canChroot = spawnSync('unshare', ['-r', '--pid', '--fork', 'chroot', '/', '/bin/true']).status === 0;
const tools = ['cat', 'chmod', 'mkdir', 'rm'];
const shells = { 'busybox ash': 'busybox', dash: 'dash', bash: 'bash' };

type Scene = {
  readonly shell: string;
  /** A script in the place of the executable; `$0` is its path, `$@` what it was called with. */
  readonly agent: string;
  readonly vmcore?: boolean;
  readonly guard?: string;
  readonly guardOff?: boolean;
  /** What happens while somebody sleeps. */
  readonly meanwhile?: string;
};

/** A machine of its own in a folder: the real shell runs the real script; sysrq is an ordinary file, time does not pass, and all it started ends with it. */
async function play(t: Test, { shell, agent, vmcore = true, guard = '600 0', guardOff = true, meanwhile = ':' }: Scene) {
  const root = t.testdir({});
  const put = (path: string, text: string, mode = 0o644) => {
    mkdirSync(dirname(join(root, path)), { recursive: true });
    writeFileSync(join(root, path), text);
    chmodSync(join(root, path), mode);
  };
  const system = await createNodeSystem();
  const programs = [...new Set([find(shell), ...tools.map(find)])];
  for (const { source, destination } of [
    ...programs.map((path) => ({ source: path, destination: path })),
    ...collectLibraries(system, programs),
  ]) {
    mkdirSync(dirname(join(root, destination)), { recursive: true });
    copyFileSync(source, join(root, destination));
  }
  if (!existsSync(join(root, '/bin/sh'))) {
    mkdirSync(join(root, 'bin'), { recursive: true });
    symlinkSync(find(shell), join(root, 'bin/sh'));
  }
  put('/usr/lib/kcapture/capture.sh', script);
  put('/usr/lib/kcapture/kcapture', `#!/bin/sh\n${agent}\n`);
  put('/etc/kcapture/guard', `${guard}\n`);
  put('/usr/sbin/sleep', `#!/bin/sh\n${meanwhile}\n`, 0o755);
  put('/usr/sbin/reboot', '#!/bin/sh\nexit 0\n', 0o755);
  put('/dev/null', '');
  // It cannot be written to, so what is said comes out here.
  mkdirSync(join(root, 'dev/kmsg'));
  put('/proc/sysrq-trigger', '');
  put('/proc/self/oom_score_adj', '');
  if (vmcore) put('/proc/vmcore', '');
  if (guardOff) put('/run/kcapture/guard-off', '');
  const { stdout, status } = spawnSync(
    'unshare',
    ['-r', '--pid', '--fork', '--kill-child', 'chroot', root, '/bin/sh', '/usr/lib/kcapture/capture.sh'],
    {
      encoding: 'utf8',
      timeout: 20_000,
    },
  );
  const read = (path: string) => (existsSync(join(root, path)) ? readFileSync(join(root, path), 'utf8') : '');
  return {
    said: stdout,
    status,
    sysrq: read('/proc/sysrq-trigger').trim(),
    calls: read('/run/calls').trim().split('\n'),
    environment: read('/run/environment'),
  };
}

const ending = (statuses: Readonly<Record<string, number>>) =>
  `echo "$*" >>/run/calls\ncase "$*" in\n${Object.entries(statuses)
    .map(([words, status]) => `"capture --unattended${words}") exit ${status} ;;`)
    .join('\n')}\nesac`;

for (const [name, shell] of Object.entries(shells)) {
  t.test(name, { skip: canChroot && find(shell) !== '' ? false : 'not here' }, async (t) => {
    await t.test('an agent that comes to its end is run once, then the machine restarts', async (t) => {
      const { said, sysrq, calls, environment } = await play(t, {
        shell,
        agent: `${ending({ '': 0 })}`.replace('case', 'echo "$KCAPTURE_GUARD $BUN_OPTIONS" >/run/environment\ncase'),
      });
      t.same(calls, ['capture --unattended']);
      t.equal(sysrq, 'b');
      t.match(said, 'rebooting: the capture is over');
      t.equal(environment.trim(), '600 --smol');
    });

    await t.test('an agent that dies is run in safer ways, and has last words', async (t) => {
      const { said, sysrq, calls } = await play(t, {
        shell,
        agent: `echo 'what was known' >/run/kcapture/kcapture.log\n${ending({ '': 139, ' --safe': 1, ' --dmesg-only': 2 })}`,
      });
      t.same(calls, ['capture --unattended', 'capture --unattended --safe', 'capture --unattended --dmesg-only']);
      t.match(said, /status 139[\s\S]*status 1 \(--safe\)[\s\S]*status 2 \(--dmesg-only\)[\s\S]*what was known/);
      t.equal(sysrq, 'b');
    });

    await t.test('a signal ends only the agent', async (t) => {
      const { calls, said } = await play(t, { shell, agent: 'echo "$*" >>/run/calls\n[ "$3" ] || kill -9 $$\nexit 0' });
      t.same(calls, ['capture --unattended', 'capture --unattended --safe']);
      t.match(said, 'status 137');
    });

    await t.test('without a memory image it says so and restarts', async (t) => {
      const { said, sysrq, calls } = await play(t, { shell, agent: 'echo "$*" >>/run/calls', vmcore: false });
      t.same(calls, ['']);
      t.match(said, 'there is no /proc/vmcore');
      t.equal(sysrq, 'b');
    });

    await t.test('the guard restarts a machine whose agent shows no progress', async (t) => {
      const wait = 'while [ -e /bin/sh ] && [ ! -s /proc/sysrq-trigger ]; do :; done\nexit 0';
      const { said } = await play(t, { shell, agent: wait, guardOff: false, guard: '30 0' });
      t.match(said, 'no progress for 30 seconds');
    });

    await t.test('the guard lets an agent with progress go on until all time is over', async (t) => {
      const wait = 'while [ -e /bin/sh ] && [ ! -s /proc/sysrq-trigger ]; do :; done\nexit 0';
      const { said } = await play(t, { shell, agent: wait, guardOff: false, guard: '20 60', meanwhile: ': >/run/kcapture/alive' });
      t.match(said, 'the time limit of 60 seconds is over');
    });
  });
}
