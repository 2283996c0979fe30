import { chmodSync } from 'node:fs';
import t, { type Test } from 'tap';
import type { ProgramOptions, ProgramResult } from '../sys/programs-interface.ts';
import { captureSettings, createCaptureMachine } from '../testing/capture-machine.ts';
import { capture } from './capture.ts';

type Ran = { argv: readonly string[]; options: ProgramOptions | undefined };

async function run(t: Test, hooks: object, answers: Readonly<Record<string, Partial<ProgramResult>>> = {}, changes: object = {}) {
  const ran: Ran[] = [];
  const machine = await createCaptureMachine(t, {
    files: { '/etc/kdump/pre.d/10-net': '', '/etc/kdump/pre.d/README': '', '/etc/kdump/post.d/10-mail': '' },
    system: (base) => ({
      programs: {
        ...base.programs,
        run: (argv, options) => {
          ran.push({ argv, options });
          return { status: 0, stdout: '', stderr: '', ...answers[argv[0]] };
        },
      },
    }),
  });
  chmodSync(machine.path('/etc/kdump/pre.d/10-net'), 0o755);
  chmodSync(machine.path('/etc/kdump/post.d/10-mail'), 0o755);
  const result = capture(machine.system, captureSettings(changes, hooks));
  return { machine, result, ran, words: ran.map(({ argv }) => argv.join(' ')) };
}

const hooks = { preHooks: ['/pre'], postHooks: ['/post'], emergencyHooks: ['/emergency'] };

t.test('programs run before and after, those in folders too, and know the status and the folder', async (t) => {
  const { words, ran, result } = await run(t, hooks);
  t.same(words, ['/pre', '/etc/kdump/pre.d/10-net', '/etc/kdump/post.d/10-mail 0', '/post 0']);
  t.equal(ran[0].options?.environment?.KCAPTURE_FOLDER, result.where);
  t.equal(ran[0].options?.timeoutMs, 60_000);
});

t.test('when the one before fails there is no dump; the log is there, and it counts as no failure', async (t) => {
  const { words, machine, result } = await run(t, { ...hooks, failureAction: 'poweroff' }, { '/pre': { status: 3 } });
  t.match(result, { status: 'dmesg-only', asWished: true, manifest: { lost: [/\/pre ended with 3/] } });
  t.same(words, ['/pre', '/etc/kdump/post.d/10-mail 1', '/post 1']);
  t.ok(machine.calls.includes('reboot'), 'the final action follows, not that of a failure');
});

t.test('those before a dump run once, however many targets are tried', async (t) => {
  const targets = ['/a', '/b'].map((folder) => ({ kind: 'folder', wish: folder, folder }));
  const { words } = await run(t, { ...hooks, dmesgOnlyBelowBytes: 2 ** 50 }, {}, { targets });
  t.same(
    words.filter((word) => word === '/pre'),
    ['/pre'],
  );
});

t.test('those in a folder may fail', async (t) => {
  const { result } = await run(t, hooks, { '/etc/kdump/pre.d/10-net': { status: 1 } });
  t.equal(result.status, 'complete');
});

t.test('one that hangs is ended, and the run goes on', async (t) => {
  const { machine, result } = await run(t, hooks, { '/post': { status: 124 } });
  t.equal(result.status, 'complete');
  t.match(machine.system.printed.error, /\/post was ended after 60 s/);
});

t.test('what they say is in the log', async (t) => {
  const { machine, result } = await run(t, hooks, { '/pre': { stdout: 'link is up\n' }, '/post': { stdout: 'mail sent\n' } });
  const log = machine.read(`${result.where}/kcapture.log`);
  t.match(log, /link is up/);
  t.match(log, /mail sent/);
});

t.test('a run that fails runs those for emergencies, and then does what is to be done on failure', async (t) => {
  const targets = [{ kind: 'unsupported', wish: 'nfs', why: 'no' }];
  const { words, machine } = await run(t, { ...hooks, failureAction: 'poweroff' }, {}, { targets });
  t.same(words, ['/etc/kdump/post.d/10-mail 1', '/post 1', '/emergency']);
  t.ok(machine.calls.includes('poweroff'));
});

t.test('a shell on failure holds the guards off until it ends', async (t) => {
  const targets = [{ kind: 'unsupported', wish: 'nfs', why: 'no' }];
  const { ran, machine } = await run(t, { failureAction: 'shell' }, {}, { targets, hooks: false });
  t.match(ran.at(-1), { argv: [/sh$/], options: { attached: true } });
  t.equal(machine.read('/run/kcapture/guard-off'), '1\n');
  t.ok(machine.calls.includes('reboot'), 'then the machine restarts');
});

t.test('a safe run has no hooks', async (t) => {
  const { words, result } = await run(t, hooks, {}, { mode: 'safe', hooks: false });
  t.same(words, []);
  t.equal(result.status, 'complete');
});

t.test('the log on the target names the program that runs, should the machine not survive it', async (t) => {
  const seen: string[] = [];
  const machine = await createCaptureMachine(t, {
    system: (base) => ({
      programs: {
        ...base.programs,
        run: (_argv, options) => {
          seen.push(base.files.readTextIfThere(`${options?.environment?.KCAPTURE_FOLDER}/kcapture.log-incomplete`) ?? '');
          return { status: 0, stdout: '', stderr: '' };
        },
      },
    }),
  });
  capture(machine.system, captureSettings({}, { preHooks: ['/first', '/second'] }));
  t.match(seen, [/running \/first\n$/, /running \/second\n$/]);
});
