import t from 'tap';
import { createRootedSystem, putTree } from '../testing/rooted-system.ts';
import { explainEvents, panicDropIn, panicEventNames, parsePanicEvents, readSysctl } from './panic-events.ts';

async function machine(root: string, sysctls: Record<string, string>) {
  putTree(root, Object.fromEntries(Object.entries(sysctls).map(([key, value]) => [`proc/sys/${key.replaceAll('.', '/')}`, value])));
  return createRootedSystem(root);
}

t.test('each event is explained by the switch that decides', async (t) => {
  const { files } = await machine(t.testdir({}), {
    'kernel.panic_on_oops': '1\n',
    'kernel.panic_on_warn': '0\n',
    'kernel.softlockup_panic': '1\n',
    'kernel.soft_watchdog': '0\n',
    'kernel.hung_task_panic': '3\n',
    'kernel.hung_task_timeout_secs': '120\n',
    'kernel.unknown_nmi_panic': '0\n',
    'kernel.panic_on_io_nmi': '0\n',
    'vm.panic_on_oom': 'x\n',
  });
  t.strictSame(Object.fromEntries(explainEvents(files).map(({ name, outcome, because }) => [name, `${outcome}: ${because}`])), {
    panic: 'dump: always',
    oops: 'dump: kernel.panic_on_oops = 1',
    warn: 'no-dump: kernel.panic_on_warn = 0',
    nmi: 'no-dump: kernel.unknown_nmi_panic = 0, kernel.panic_on_io_nmi = 0',
    softlockup: 'no-dump: kernel.soft_watchdog = 0: it is never noticed',
    hardlockup: 'absent: this kernel has no kernel.hardlockup_panic',
    hungtask: 'dump: kernel.hung_task_panic = 3',
    oom: 'unknown: cannot read vm.panic_on_oom',
    rcu: 'absent: this kernel has no kernel.panic_on_rcu_stall',
  });
});

t.test('the drop-in sets what was asked for, and says what each means', async (t) => {
  const text = panicDropIn(parsePanicEvents('oops,hardlockup'));
  t.match(text, /^kernel\.panic = 10$/m);
  t.match(text, /^# .*\n-kernel\.panic_on_oops = 1$/m);
  t.match(text, /^-kernel\.nmi_watchdog = 1$/m);
  t.match(text, /^-kernel\.hardlockup_panic = 1$/m);
  t.notMatch(text, /oom|panic_on_warn/);
});

t.test('every line of a drop-in with all events is a comment, empty or a setting sysctl reads', async (t) => {
  const lines = panicDropIn(panicEventNames).split('\n');
  for (const line of lines) t.match(line, /^(#.*|-?(kernel|vm)\.[a-z_]+ = \d+|)$/);
  const keys = lines.filter((line) => line.includes(' = ') && !line.startsWith('#')).map((line) => line.replace(/^-| = .*/g, ''));
  t.equal(new Set(keys).size, keys.length, 'no key stands there twice');
});

t.test('what a drop-in sets makes the events lead to a dump', async (t) => {
  const settings = [...panicDropIn(panicEventNames).matchAll(/^-?(\S+) = (\d+)$/gm)].map(([, key, value]) => [key, value]);
  const { files } = await machine(t.testdir({}), Object.fromEntries(settings));
  t.strictSame(
    explainEvents(files).filter(({ outcome }) => outcome !== 'dump'),
    [],
  );
});

t.test('a word that is no event is a usage error that lists the events', async (t) => {
  t.throws(() => parsePanicEvents('oops,softlock'), { code: 'usage/panic-on', message: /"softlock".*softlockup/ });
  t.throws(() => parsePanicEvents(''), { code: 'usage/panic-on' });
  t.strictSame(parsePanicEvents(' oops, oops,rcu'), ['oops', 'rcu']);
});

t.test('a sysctl that is absent or holds no number is not known', async (t) => {
  const { files } = await machine(t.testdir({}), { 'kernel.panic': '-1\n', 'kernel.core_pattern': '|x\n' });
  t.equal(readSysctl(files, 'kernel.panic'), -1);
  t.equal(readSysctl(files, 'kernel.core_pattern'), undefined);
  t.equal(readSysctl(files, 'kernel.none'), undefined);
});
