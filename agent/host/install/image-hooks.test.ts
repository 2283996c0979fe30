import { spawnSync } from 'node:child_process';
import { chmodSync, mkdirSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import t, { type Test } from 'tap';
import { putTree } from '../../testing/rooted-system.ts';
import { shippedFiles } from '../shipped-files.ts';

/** What an executable may answer: every kind of line. */
const lines = [
  ['folder', '/etc/kcapture/targets/a b', '0700'],
  ['file', '/state/payload.squashfs', '/usr/lib/kcapture/kcapture.squashfs', '0644'],
  ['file', '/state/capture file.sh', '/usr/lib/kcapture/capture.sh', '0755'],
  ['file', '/usr/bin/kcapture', '/usr/lib/kcapture/kcapture', '0755'],
  ['program', '/usr/bin/busybox'],
  ['program', '/bin/there'],
  ['link', '/bin/sh', '/usr/bin/busybox'],
  ['link', '/bin/there', '/usr/bin/busybox'],
  ['library', '/usr/lib/libm.so.6'],
  ['firmware', 'bnx2/fw-1.bin'],
  ['cmdline', 'root=kcapture'],
  ['warning', 'The target is not there: $(touch /tmp/evil) `id`'],
]
  .map((fields) => `${fields.join('\t')}\n`)
  .join('');

type Recorded = { readonly status: number; readonly calls: readonly string[]; readonly output: string };

/** Writes the hook and a `kcapture` that answers with `lines`, and runs a bash script in which the generator's functions only write down how they were called. */
function record(t: Test, hook: string, script: string, answer = `cat <<'LINES'\n${lines}LINES`): Recorded {
  const folder = t.testdir({ image: { bin: { there: '' } }, bin: {}, hooks: {} });
  const path = join(folder, 'hooks/kcapture');
  writeFileSync(path, hook);
  writeFileSync(join(folder, 'bin/kcapture'), `#!/bin/sh\necho "kcapture $*" >>"$CALLS"\n${answer}\n`);
  chmodSync(join(folder, 'bin/kcapture'), 0o755);
  writeFileSync(join(folder, 'calls'), '');
  const { status, stdout, stderr } = spawnSync('bash', ['-c', script], {
    encoding: 'utf8',
    stdio: ['ignore', 'pipe', 'pipe'],
    env: {
      ...process.env,
      CALLS: join(folder, 'calls'),
      FOLDER: folder,
      HOOK: path,
      IMAGE: join(folder, 'image'),
      PATH: `${join(folder, 'bin')}:${process.env.PATH}`,
    },
  });
  const calls = readFileSync(join(folder, 'calls'), 'utf8').replaceAll(folder, '').split('\n').slice(0, -1);
  return { status: status ?? -1, calls, output: stdout + stderr };
}

function textOf(path: string): string {
  const file = shippedFiles.find((row) => row.path === path);
  if (file === undefined) throw new Error(`Cannot find the text of ${path}`);
  return file.text;
}

/** Functions of the names given, each of which writes down its own call. */
function recorders(names: readonly string[]): string {
  return names.map((name) => `${name}() { printf '%s\\n' "${name} $*" >>"$CALLS"; }`).join('\n');
}

/** Of what the hook made in the image. */
function modeOf(t: Test, path: string): number {
  return statSync(join(t.testdirName, 'image', path)).mode & 0o777;
}

const mkinitcpioHook = textOf('/usr/lib/kcapture/initcpio/install/kcapture');
const mkinitcpioFunctions = ['add_file', 'add_binary', 'add_symlink', 'add_module', 'add_runscript', 'add_systemd_unit', 'warning'];
/** mkinitcpio leaves PATH with one folder; its `die` ends the build. */
const mkinitcpio = (body: string) => `
${recorders(mkinitcpioFunctions)}
die() { printf '%s\\n' "die $*" >>"$CALLS"; exit 1; }
KERNELVERSION=6.1.0 BUILDROOT=$IMAGE
PATH=$FOLDER/bin:/bin
. "$HOOK"
${body}
build
`;

t.test('mkinitcpio: everything that is required is added by the documented functions', async (t) => {
  const { status, calls } = record(t, mkinitcpioHook, mkinitcpio(': >"$IMAGE/init"'));
  t.equal(status, 0);
  t.same(calls, [
    'kcapture requirements --for mkinitcpio --kernel 6.1.0',
    'add_file /state/payload.squashfs /usr/lib/kcapture/kcapture.squashfs 0644',
    'add_file /state/capture file.sh /usr/lib/kcapture/capture.sh 0755',
    'add_file /usr/bin/kcapture /usr/lib/kcapture/kcapture 0755',
    'add_binary /usr/bin/busybox',
    'add_symlink /bin/sh /usr/bin/busybox',
    'add_binary /usr/lib/libm.so.6',
    'add_file /lib/firmware/bnx2/fw-1.bin',
    'warning %s kcapture: The target is not there: $(touch /tmp/evil) `id`',
    'add_runscript ',
  ]);
  t.equal(modeOf(t, 'etc/kcapture/targets/a b'), 0o700);
});

t.test('mkinitcpio: behind the hook systemd the unit starts the capture and the ordinary boot is kept back', async (t) => {
  const { calls } = record(t, mkinitcpioHook, mkinitcpio('ln -s usr/lib/systemd/systemd "$IMAGE/init"'));
  t.equal(calls[0], 'kcapture requirements --for mkinitcpio --kernel 6.1.0');
  t.same(calls.slice(9), [
    'add_file /usr/lib/kcapture/kcapture-capture.service /usr/lib/systemd/system/kcapture-capture.service 644',
    'add_symlink /usr/lib/systemd/system/sysinit.target.wants/kcapture-capture.service ../kcapture-capture.service',
    ...['emergency', 'rescue', 'initrd-parse-etc', 'initrd-cleanup', 'initrd-switch-root'].map(
      (name) => `add_file /usr/lib/kcapture/not-in-capture.conf /usr/lib/systemd/system/${name}.service.d/50-kcapture.conf 644`,
    ),
  ]);
});

t.test('mkinitcpio: behind no other init the image is one that starts itself', async (t) => {
  const { calls } = record(t, mkinitcpioHook, mkinitcpio(''));
  t.equal(calls[0], 'kcapture requirements --for image --kernel 6.1.0');
  t.notOk(calls.some((call) => /add_runscript|systemd/.test(call)));
});

t.test('mkinitcpio: a PATH without sbin is mended before anything is added', async (t) => {
  const { calls } = record(t, mkinitcpioHook, mkinitcpio(`add_binary() { type -P depmod >/dev/null && echo found >>"$CALLS"; }`));
  t.ok(calls.includes('found'));
});

t.test('mkinitcpio: what cannot be added ends the build', async (t) => {
  for (const name of ['add_file', 'add_binary', 'add_symlink', 'add_runscript']) {
    const { status, calls } = record(t, mkinitcpioHook, mkinitcpio(`: >"$IMAGE/init"; ${name}() { return 1; }`));
    t.equal(status, 1, name);
    t.match(calls.at(-1), /^die %s kcapture: .* cannot be /);
  }
  const refused = record(t, mkinitcpioHook, mkinitcpio(''), 'exit 1');
  t.equal(refused.status, 1);
  t.match(refused.calls.at(-1), 'requirements failed');
});

t.test("mkinitcpio: what it does not need to know is read from nowhere else: its configuration names kcapture's hook alone", async (t) => {
  const folder = t.testdir({ 'mkinitcpio.conf': textOf('/usr/lib/kcapture/initcpio/mkinitcpio.conf') });
  const hooks = (setting: string) =>
    spawnSync('bash', ['-c', `${setting} . ${folder}/mkinitcpio.conf; echo "\${HOOKS[*]}|\${MODULES[*]}|$MODULES_DECOMPRESS"`], {
      encoding: 'utf8',
      stdio: ['ignore', 'pipe', 'pipe'],
    }).stdout.trim();
  t.equal(hooks(''), 'base kcapture||yes');
  t.equal(hooks('KCAPTURE_INITCPIO_HOOKS=systemd;'), 'systemd kcapture||yes');
  t.equal(hooks('KCAPTURE_INITCPIO_HOOKS=;'), 'kcapture||yes');
});

const dracutModule = textOf('/usr/lib/dracut/modules.d/99kcapture/module-setup.sh');
const dracutFunctions = ['inst_simple', 'inst_binary', 'inst_library', 'inst_hook', 'inst_multiple', 'instmods', 'dwarning', 'dfatal'];
const dracut = (body: string) => `
${recorders(dracutFunctions)}
inst_simple() { printf '%s\\n' "inst_simple $*" >>"$CALLS"; local to="$initdir\${2-$1}"; mkdir -p "\${to%/*}"; : >"$to"; }
chmod() { printf '%s\\n' "chmod $*" >>"$CALLS"; }
require_binaries() { type -P "$@" >/dev/null; }
dracut_module_included() { [[ " $MODULES " == *" $1 "* ]]; }
kernel=6.1.0 initdir=$IMAGE moddir=$FOLDER/hooks systemdsystemunitdir=/usr/lib/systemd/system MODULES=kcapture
. "$HOOK"
${body}
`;

t.test('dracut: the module comes into an image that asks for it, and into no other', async (t) => {
  t.equal(record(t, dracutModule, dracut('check')).status, 255);
  t.equal(record(t, dracutModule, dracut('mount_needs=1 check')).status, 1, 'never as a part of what a mount needs');
  t.equal(record(t, dracutModule, dracut('PATH=/nowhere; check')).status, 1, 'without the executable');
  t.equal(record(t, dracutModule, dracut('depends')).output, '');
});

t.test('dracut: as the only module it makes an image that starts itself', async (t) => {
  const { status, calls } = record(t, dracutModule, dracut('install; readlink "$IMAGE/bin/sh" >>"$CALLS"'));
  t.equal(status, 0);
  t.same(calls, [
    'kcapture requirements --for image --kernel 6.1.0',
    'chmod 0700 /image/etc/kcapture/targets/a b',
    'inst_simple /state/payload.squashfs /usr/lib/kcapture/kcapture.squashfs',
    'chmod 0644 /image/usr/lib/kcapture/kcapture.squashfs',
    'inst_simple /state/capture file.sh /usr/lib/kcapture/capture.sh',
    'chmod 0755 /image/usr/lib/kcapture/capture.sh',
    'inst_simple /usr/bin/kcapture /usr/lib/kcapture/kcapture',
    'chmod 0644 /image/usr/lib/kcapture/kcapture',
    'inst_binary /usr/bin/busybox',
    'inst_binary /bin/there',
    'inst_library /usr/lib/libm.so.6',
    'inst_simple /lib/firmware/bnx2/fw-1.bin',
    'dwarning kcapture: The target is not there: $(touch /tmp/evil) `id`',
    '/usr/bin/busybox',
  ]);
});

t.test('dracut: beside its own init a hook of the first stage starts the capture', async (t) => {
  const { calls } = record(t, dracutModule, dracut('MODULES="base kcapture"; install'));
  t.equal(calls[0], 'kcapture requirements --for dracut --kernel 6.1.0');
  t.equal(calls.at(-1), 'inst_hook cmdline 00 /hooks/kcapture-cmdline.sh');
});

t.test('dracut: where systemd is init the unit starts the capture and the ordinary boot is kept back', async (t) => {
  const { calls } = record(
    t,
    dracutModule,
    dracut('MODULES="base systemd kcapture"; install; readlink "$IMAGE"/usr/lib/systemd/system/*.wants/* >>"$CALLS"'),
  );
  t.equal(calls[0], 'kcapture requirements --for dracut --kernel 6.1.0');
  t.ok(calls.includes('inst_simple /usr/lib/kcapture/kcapture-capture.service /usr/lib/systemd/system/kcapture-capture.service'));
  t.equal(calls.filter((call) => /not-in-capture\.conf .*\.service\.d\/50-kcapture\.conf$/.test(call)).length, 6);
  t.equal(calls.at(-1), '../kcapture-capture.service');
  t.notOk(calls.some((call) => call.startsWith('inst_hook')));
});

t.test('dracut: what cannot be installed ends the build', async (t) => {
  for (const name of ['inst_simple', 'inst_binary', 'inst_library', 'chmod']) {
    const { status, calls } = record(t, dracutModule, dracut(`${name}() { return 1; }; install`));
    t.equal(status, 1, name);
    t.match(calls.at(-1), /^dfatal kcapture: .* cannot .*Aborting/);
  }
  t.equal(record(t, dracutModule, dracut('install'), 'exit 1').status, 1);
});

/** Runs a hook of the initramfs with every shell that images have. /proc and the script stand in a folder. */
function boot(t: Test, hook: string, start: string, proc: Readonly<Record<string, string>>) {
  const folder = t.testdir({});
  putTree(folder, {
    'proc/cmdline': 'quiet\n',
    'proc/sysrq-trigger': '',
    'usr/lib/kcapture/capture.sh': `echo captured >>${folder}/log`,
    log: '',
    ...proc,
  });
  const text = hook.replaceAll('/proc/', `${folder}/proc/`).replaceAll('/usr/lib/kcapture/', `${folder}/usr/lib/kcapture/`);
  mkdirSync(dirname(join(folder, 'hook')), { recursive: true });
  writeFileSync(join(folder, 'hook'), text);
  return [['dash'], ['bash', '--posix'], ['busybox', 'ash']].map(([shell, ...words]) => {
    writeFileSync(join(folder, 'log'), '');
    writeFileSync(join(folder, 'proc/sysrq-trigger'), '');
    const { status, stdout, stderr } = spawnSync(shell, [...words, '-c', `. ${folder}/hook; ${start}; echo "root=$root rootok=$rootok"`], {
      encoding: 'utf8',
      stdio: ['ignore', 'pipe', 'pipe'],
      env: { PATH: '/usr/bin:/bin' },
    });
    const read = (name: string) => readFileSync(join(folder, name), 'utf8').trim();
    return { status, said: (stdout + stderr).trim(), log: read('log'), sysrq: read('proc/sysrq-trigger') };
  });
}

const runtimeHooks = [
  { name: 'dracut', text: textOf('/usr/lib/dracut/modules.d/99kcapture/kcapture-cmdline.sh'), start: ':', root: 'root=kcapture rootok=1' },
  { name: 'mkinitcpio', text: textOf('/usr/lib/kcapture/initcpio/hooks/kcapture'), start: 'run_earlyhook', root: 'root= rootok=' },
];
for (const { name, text, start, root } of runtimeHooks) {
  t.test(`${name}: in an ordinary boot the hook does nothing`, async (t) => {
    const cmdlines = ['quiet', 'root=/dev/sda1', 'root=kcapture2', 'xroot=kcapture'].map((words) => `${words}\n`);
    for (const cmdline of cmdlines) {
      for (const run of boot(t, text, start, { 'proc/cmdline': cmdline })) {
        t.same(run, { status: 0, said: 'root= rootok=', log: '', sysrq: '' }, cmdline);
      }
    }
  });

  t.test(`${name}: after a crash the hook runs the script, and reboots should it come back`, async (t) => {
    const captures: Readonly<Record<string, string>>[] = [{ 'proc/vmcore': '' }, { 'proc/cmdline': 'quiet root=kcapture panic=10\n' }];
    for (const proc of captures) {
      for (const run of boot(t, text, start, proc)) t.same(run, { status: 0, said: root, log: 'captured', sysrq: 'b' });
    }
  });
}
