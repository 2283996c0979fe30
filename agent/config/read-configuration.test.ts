import { isDeepStrictEqual } from 'node:util';
import t from 'tap';
import { Random } from '../testing/fuzz.ts';
import type { Configuration, TargetWish } from './configuration.ts';
import { defaultConfiguration } from './defaults.ts';
import { directives } from './directive-table.ts';
import { formatConfiguration } from './format-configuration.ts';
import { splitNfsSource } from './nfs-source.ts';
import { readConfiguration } from './read-configuration.ts';
import type { SshPlace } from './remote-place.ts';
import { removedFromKdump } from './replaced-words.ts';

/** The one problem of one line. */
function problemOf(line: string, source = '/etc/kcapture.conf') {
  const { problems } = readConfiguration(line, source);
  if (problems.length !== 1) throw new Error(`${line}: ${problems.length} problems`);
  return problems[0];
}

/** What a file says, without problems. */
function meaningOf(text: string, source = '/etc/kcapture.conf'): Configuration {
  const { configuration, problems } = readConfiguration(text, source);
  if (problems.length > 0) throw new Error(JSON.stringify(problems));
  return configuration;
}

t.test('an empty file means the defaults, on the file system that holds /var/crash', async (t) => {
  t.same(readConfiguration('', undefined), { configuration: defaultConfiguration, problems: [] });
  t.same(meaningOf('# nothing\n\n \t\n'), { ...defaultConfiguration, source: '/etc/kcapture.conf' });
});

for (const { name, examples } of directives) {
  t.test(`${name}: each of its examples can be read, changes what it should, and is written back`, async (t) => {
    let changes = 0;
    for (const example of examples) {
      const { configuration, problems } = readConfiguration(`${name} ${example}\n`, '/etc/kcapture.conf');
      const aboutLine = problems.filter(({ line }) => line > 0);
      t.same(aboutLine, [], example);
      if (!isDeepStrictEqual(configuration, { ...defaultConfiguration, source: configuration.source })) changes++;
      const written = formatConfiguration(configuration);
      t.same(readConfiguration(written, '/etc/kcapture.conf').configuration, configuration, written);
    }
    t.ok(changes > 0, 'one of them is not the default');
  });

  t.test(`${name}: without a value it is an error and changes nothing`, async (t) => {
    for (const line of [name, `${name}   `, `${name} # comment`, `${name} ""`]) {
      const { configuration, problems } = readConfiguration(line, undefined);
      t.same(configuration, defaultConfiguration, line);
      t.match(problems, [{ line: 1, severity: 'error', message: `Cannot use ${name}: no value behind it` }], line);
    }
  });
}

const meanings: [line: string, meaning: Partial<Configuration>][] = [
  ['path crash//dumps/', { path: '/crash/dumps' }],
  ['path "/var/my crash"', { path: '/var/my crash' }],
  ['path /', { path: '/' }],
  [
    'ext4 UUID=03138356-5e61-4ab3-b58e-27507ac41937 noatime,data=journal',
    { targets: [disk('ext4', 'UUID=03138356-5e61-4ab3-b58e-27507ac41937', 'noatime,data=journal')] },
  ],
  ['f2fs LABEL="my disk"', { targets: [disk('f2fs', 'LABEL=my disk')] }],
  ['xfs PARTUUID=6f1c9a0e-02', { targets: [disk('xfs', 'PARTUUID=6f1c9a0e-02')] }],
  ['ext4 "LABEL=my disk"', { targets: [disk('ext4', 'LABEL=my disk')] }],
  ['time_limit 2h', { timeLimitSeconds: 7200 }],
  ['time_limit none', { timeLimitSeconds: undefined }],
  ['device_timeout 90', { deviceTimeoutSeconds: 90 }],
  ['hook_timeout 5m', { hookTimeoutSeconds: 300 }],
  ['min_free 1.5G', { minFreeBytes: 1610612736 }],
  ['min_free 0', { minFreeBytes: 0 }],
  ['memory_limit 256K', { memoryLimitBytes: 2 ** 18 }],
  ['memory_limit auto', { memoryLimitBytes: undefined }],
  ['dmesg_only_below 512MiB', { dmesgOnlyBelowBytes: 536870912 }],
  ['dmesg_only_below always', { dmesgOnlyBelowBytes: Number.MAX_SAFE_INTEGER }],
  ['keep 5', { keep: { count: 5 } }],
  ['keep 20G', { keep: { totalBytes: 20 * 2 ** 30 } }],
  ['keep 30d', { keep: { ageSeconds: 30 * 86400 } }],
  ['keep 30d 5 20G', { keep: { count: 5, totalBytes: 20 * 2 ** 30, ageSeconds: 30 * 86400 } }],
  ['loop_limit 5 in 30m', { loopLimit: { captures: 5, windowSeconds: 1800 } }],
  ['loop_limit none', { loopLimit: { captures: 0, windowSeconds: 0 } }],
  ['notify https://example.org/a?b=c', { notify: ['https://example.org/a?b=c'] }],
  ['notify "https://example.org/a#b"', { notify: ['https://example.org/a#b'] }],
  ['kernel 6.1.0-56-amd64', { kernel: '6.1.0-56-amd64' }],
  ['generator own', { generator: 'own' }],
  ['extra_bins /usr/bin/lftp ethtool', { extraPrograms: ['/usr/bin/lftp', 'ethtool'] }],
  ['extra_modules gfs2 dm-crypt', { extraModules: ['gfs2', 'dm-crypt'] }],
  ['cmdline_append a="b c" d\ncmdline_append e', { commandLine: { replace: undefined, remove: [], append: 'a="b c" d e' } }],
  ['cmdline_remove a b\ncmdline_remove c', { commandLine: { replace: undefined, remove: ['a', 'b', 'c'], append: undefined } }],
  ['cmdline "console=ttyS0 irqpoll"', { commandLine: { replace: 'console=ttyS0 irqpoll', remove: [], append: undefined } }],
  ['kdump_pre /a\nkdump_pre "/b c"', { preHooks: ['/a', '/b c'] }],
  ['auto_reset_crashkernel no', { autoResetCrashkernel: false }],
];

for (const [text, meaning] of meanings) {
  t.test(`${JSON.stringify(text)} means what it says`, async (t) => {
    t.same(meaningOf(text), { ...defaultConfiguration, source: '/etc/kcapture.conf', ...meaning });
  });
}

t.test('several targets are tried in the order of their lines', async (t) => {
  const text = 'nfs my.server.com:/export\next4 LABEL=crash\n\nraw /dev/sdb1\n';
  const { targets } = meaningOf(text);
  t.same(targets, [
    { kind: 'nfs', source: 'my.server.com:/export', options: undefined, line: 1 },
    disk('ext4', 'LABEL=crash', undefined, 2),
    { kind: 'raw', device: '/dev/sdb1', line: 4 },
  ]);
  const shared = readConfiguration(text, '/etc/kdump.conf');
  t.same(shared.configuration.targets, targets);
  t.match(
    shared.problems.map(({ line, severity }) => [line, severity]),
    [
      [2, 'warning'],
      [4, 'warning'],
    ],
  );
});

const servers: [line: string, target: TargetWish, written?: string][] = [
  ['nfs srv:/export vers=3,rsize=65536', { kind: 'nfs', source: 'srv:/export', options: 'vers=3,rsize=65536', line: 1 }],
  ['nfs [fe80::1%eth0]:/', { kind: 'nfs', source: '[fe80::1%eth0]:/', options: undefined, line: 1 }],
  ['nfs nfs://srv/export', { kind: 'nfs', source: 'srv:/export', options: undefined, line: 1 }, 'nfs srv:/export'],
  ['target nfs://srv', { kind: 'nfs', source: 'srv:/', options: undefined, line: 1 }, 'nfs srv:/'],
  [
    'target nfs://[2001:db8::1]:20049/a/b soft',
    { kind: 'nfs', source: '[2001:db8::1]:/a/b', options: 'port=20049,soft', line: 1 },
    'nfs [2001:db8::1]:/a/b port=20049,soft',
  ],
  [
    'target nfs://[fe80::1%25eth0]:2049/a',
    { kind: 'nfs', source: '[fe80::1%eth0]:/a', options: undefined, line: 1 },
    'nfs [fe80::1%eth0]:/a',
  ],
  ['ssh me@[2001:DB8::1]', { kind: 'remote', place: ssh('2001:db8::1'), line: 1 }, 'ssh me@2001:db8::1'],
  ['ssh me@SRV', { kind: 'remote', place: ssh('srv'), line: 1 }, 'ssh me@srv'],
  ['target ssh://me@srv', { kind: 'remote', place: ssh('srv'), line: 1 }, 'ssh me@srv'],
  ['target ssh://me@srv:23/~/a%20b', { kind: 'remote', place: { ...ssh('srv'), port: 23, path: '~/a b' }, line: 1 }],
  [
    'target "https://srv:8443/a"',
    { kind: 'remote', place: { kind: 'http', secure: true, host: 'srv', port: 8443, path: '/a' }, line: 1 },
    'target https://srv:8443/a',
  ],
];

for (const [line, target, written = line] of servers) {
  t.test(`${line} is a target, and is written again`, async (t) => {
    const { configuration, problems } = readConfiguration(line, undefined);
    t.same(configuration.targets, [target]);
    t.same(problems, []);
    t.equal(formatConfiguration(configuration).split('\n')[0], written);
  });
}

t.test('an export is parted into host and path', async (t) => {
  t.same(splitNfsSource('srv:/a:b'), { host: 'srv', exported: '/a:b' });
  t.same(splitNfsSource('[2001:db8::1]:/a]:b'), { host: '2001:db8::1', exported: '/a]:b' });
});

t.test('several servers are tried in the order of the lines', async (t) => {
  const text = 'target ssh://me@a/x\nnfs b:/x\ntarget s3://crashes?region=c\next4 LABEL=crash\ntarget https://d/';
  const { configuration, problems } = readConfiguration(text, undefined);
  t.same(
    configuration.targets.map((target) => (target.kind === 'remote' ? target.place.kind : target.kind)),
    ['ssh', 'nfs', 's3', 'filesystem', 'http'],
  );
  t.same(problems, []);
  t.match(configuration, { stallLimitSeconds: 60, retryLimitSeconds: 120 });
});

t.test('the level of zstd may follow the target', async (t) => {
  for (const value of ['zstd auto', 'zstd:auto']) {
    const { configuration, problems } = readConfiguration(`compress ${value}`, undefined);
    t.match(configuration.collector, { codec: 'zstd', codecLevel: 'auto' }, value);
    t.same(problems, []);
    t.match(formatConfiguration(configuration), /^compress zstd:auto$/m);
  }
  t.match(readConfiguration('compress zstd 3', undefined).configuration.collector, { codec: 'zstd', codecLevel: 3 });
  t.match(readConfiguration('core_collector kcapture dump --level auto', undefined).configuration.collector, { codecLevel: 'auto' });
});

function ssh(host: string): SshPlace {
  return { kind: 'ssh', user: 'me', host, port: 22, path: undefined };
}

const mistakes: [line: string, message: RegExp, hint: RegExp][] = [
  ['blabla x', /^Cannot use "blabla": there is no such directive$/, /config directives/],
  ['pth /var/crash', /no such directive/, /^Did you mean "path"\?$/],
  ['Path /var/crash', /no such directive/, /^Did you mean "path"\?$/],
  ['final_acton reboot', /no such directive/, /"final_action"/],
  ['fianl_action reboot', /no such directive/, /"final_action"/],
  ['ext5 /dev/sda1', /no such directive/, /"ext[234]"/],
  ['path=/var/crash', /^Cannot use "path"/, /^Write "path VALUE": a blank, no "="$/],
  ['KDUMP_SAVEDIR="/srv"', /^Cannot use "KDUMP_SAVEDIR"/, /^KDUMP_SAVEDIR is a word of SUSE's; here: "path FOLDER"/],
  ['KDUMP_SMTP_USER="x"', /^Cannot use "KDUMP_SMTP_USER"/, /"notify URL"/],
  ['USE_KDUMP=1', /^Cannot use "USE_KDUMP"/, /kcapture install/],
  ['final_action rebot', /^final_action: Cannot use "rebot": expected reboot, halt or poweroff$/, /^Did you mean "reboot"\?$/],
  ['final_action shell', /expected reboot, halt or poweroff/, /^$/],
  ['failure_action shel', /expected reboot, halt, poweroff, shell or dump_to_rootfs/, /"shell"/],
  ['path ../etc', /must not climb/, /^$/],
  ['path /a /b', /expected one folder/, /Quote/],
  ['path "/a', /" is not closed/, /Close/],
  ['ext4 sda1', /expected \/dev\/…, UUID=…/, /"\/dev\/sda1"/],
  ['ext4 uuid=abcd', /names none/, /"UUID=abcd"/],
  ['ext4 UUID=', /nothing follows/, /^$/],
  ['ext4 UUID=xyz', /hexadecimal/, /^$/],
  ['ext4 /dev/../etc/passwd', /as a device/, /blkid/],
  ['ext4 /dev/sda1 rw more', /at most one word of mount options/, /^$/],
  ['ext4 /dev/sda1 -o', /as mount options/, /noatime/],
  ['nfs 2001:db8::1:/export', /as an NFS export/, /\[2001:db8::1\]:\/export/],
  ['nfs my.server.com', /expected HOST:\/PATH/, /nfs my\.server\.com/],
  ['nfs -o:/x', /expected HOST:\/PATH/, /./],
  ['nfs srv:/x vers=3 hard', /at most one word/, /^$/],
  ['nfs srv:/x -o', /as mount options/, /noatime/],
  ['nfs srv:/x sec=krb5p', /Kerberos/, /sec=sys/],
  ['nfs nfs://me@srv/x', /nobody logs in/, /nfs:\/\/HOST/],
  ['target nfs://srv/x?vers=3', /nothing may follow/, /behind a blank/],
  ['target nfs://srv/a/../b', /must not go by/, /^$/],
  ['target UUID=abcd', /expected a URL/, /ext4 UUID/],
  ['target my.server.com:/x', /expected a URL/, /ssh:\/\//],
  ['target ssh://me@srv/x now', /behind the URL/, /^$/],
  ['target ftp://srv/x', /begins with ftp/, /^$/],
  ['target https://me:hunter2@srv/x', /user or a password/, /kcapture target add/],
  ['https https://srv/x', /no such directive/, /target https:/],
  ['ssh user@srv/x', /expected USER@HOST/, /target ssh:/],
  ['ssh user@300.1.1.1', /expected USER@HOST/, /./],
  ['ssh my.server.com', /expected USER@HOST/, /who logs in/],
  ['ssh -oProxyCommand=x@host', /expected USER@HOST/, /./],
  ['ssh user@-oProxyCommand=x', /expected USER@HOST/, /./],
  ['ssh user@host:22', /expected USER@HOST/, /port/],
  ['virtiofs a b', /expected one tag, found 2/, /^$/],
  ['sshkey id_rsa', /expected an absolute path/, /"\/"/],
  ['kdump_post /a.sh now', /nothing behind it/, /script/],
  ['kdump_pre a.sh', /expected an absolute path/, /"\/"/],
  ['extra_bins -x', /begins with "-"/, /^$/],
  ['extra_modules gfs2.ko.xz', /not a file/, /"gfs2"/],
  ['extra_modules a;b', /letters, digits/, /^$/],
  ['level 32', /dump level "32"/, /Add up/],
  ['level x', /dump level "x"/, /Add up/],
  ['compress gzip', /expected zstd, lzo, snappy, zlib or none/, /^$/],
  ['compress zstdd', /expected/, /"zstd"/],
  ['compress zstd:99', /from -7 to 19/, /^$/],
  ['compress zlib auto', /while a dump is written/, /zstd auto/],
  ['compress none auto', /none has no levels/, /"none"/],
  ['compress zstd 3 4', /expected zstd/, /^$/],
  ['stall_limit 0', /at least a second/, /^$/],
  ['retry_limit 2d', /at most 1d/, /^$/],
  ['compress lzo:3', /lzo has no levels/, /"lzo"/],
  ['threads 0', /from 1 to 256/, /^$/],
  ['memory_limit 255K', /less than 256K/, /^$/],
  ['memory_limit all', /as a size/, /64M/],
  ['min_free 64', /expected a number and K, M, G or T/, /Write 64M/],
  ['min_free 64 MB', /as a size/, /Write 64M/],
  ['min_free 2000T', /more than 1024T/, /^$/],
  ['dmesg_only_below sometimes', /as a size/, /64M/],
  ['time_limit soon', /as a duration/, /30m/],
  ['time_limit 0', /at least a second/, /^$/],
  ['device_timeout 2h', /at most 1h/, /^$/],
  ['keep 0', /always stays/, /keep all/],
  ['keep 500m', /minutes or seconds/, /"500M"/],
  ['keep 5 6', /such a limit already/, /^$/],
  ['keep few', /a count, a size/, /keep 5 20G 30d/],
  ['loop_limit 3', /N in DURATION/, /3 in 1h/],
  ['loop_limit 0 in 1h', /from 1 to 1000/, /^$/],
  ['notify hooks.example.org/secret', /address of a web hook/, /:\/\//],
  ['notify ftp://example.org/secret', /https:\/\/ or http:\/\//, /^$/],
  ['generator dracutt', /expected auto, dracut, mkinitcpio or own/, /"dracut"/],
  ['kernel vmlinuz', /expected a release/, /^$/],
  ['cmdline_remove isolcpus=1', /name of a parameter/, /"isolcpus"/],
  ['force_rebuild 2', /expected yes or no/, /^$/],
  ['auto_reset_crashkernel maybe', /expected yes or no/, /^$/],
  ['fence_kdump_nodes -x', /host name/, /^$/],
  ['core_collector makedumpfile -d 99', /dump level "99"/, /Add up/],
  ['core_collector makedumpfile --eppic x', /does not support this option/, /kcapture does the work/],
  ['core_collector makedumpfile -d 31 /proc/vmcore out', /names no file/, /kcapture does/],
  ['core_collector makedumpfile -R out', /something else/, /kcapture does/],
  ['core_collector makedumpfile --bogus', /bogus/, /kcapture does/],
  ['dracut_args --mount "/dev/sda1 /mnt"', /DEVICE FOLDER FSTYPE OPTIONS/, /^$/],
  ['dracut_args --mount "/dev/sda1 /mnt ext4" --mount "/dev/sdb1 /mnt ext4"', /two --mount/, /lines of their own/],
  ['dracut_args --mount "/dev/sda1 /mnt vfat"', /"vfat"/, /^$/],
  ['\u0007', /control characters/, /text file/],
];

for (const [line, message, hint] of mistakes) {
  t.test(`${JSON.stringify(line)} is an error with a hint, and the defaults hold`, async (t) => {
    const { configuration, problems } = readConfiguration(line, undefined);
    t.same(configuration, defaultConfiguration);
    t.equal(problems.length, 1);
    t.match(problems[0], { line: 1, severity: 'error', message });
    t.match(problems[0].hint ?? '', hint);
  });
}

for (const word of removedFromKdump) {
  t.test(`${word}, which kdump.conf had once, is an error that says what to write instead`, async (t) => {
    t.match(problemOf(`${word} x`), { severity: 'error', hint: /Write "|Remove it|go on/ });
  });
}

t.test('the former name of failure_action works, with a warning', async (t) => {
  const { configuration, problems } = readConfiguration('default shell', '/etc/kdump.conf');
  t.equal(configuration.failureAction, 'shell');
  t.match(problems, [{ line: 1, severity: 'warning', hint: 'Write "failure_action shell"' }]);
});

t.test('a wrong line does not take the lines around it along', async (t) => {
  const { configuration, problems } = readConfiguration('level 17\nlevel x\npath /a\nbogus\nfinal_action halt\n', undefined);
  t.match(configuration, { path: '/a', finalAction: 'halt', collector: { levels: [17] } });
  t.same(
    problems.map(({ line }) => line),
    [2, 2, 4],
  );
});

t.test('of a directive that stands there twice the last one holds, and it is an error', async (t) => {
  const { configuration, problems } = readConfiguration('path /a\npath /b\n', undefined);
  t.equal(configuration.path, '/b');
  t.match(problems, [{ line: 2, severity: 'error', message: /path stands on line 1 already/ }]);
  t.match(readConfiguration('default shell\nfailure_action halt', undefined).configuration.failureAction, 'halt');
});

t.test('force_rebuild and force_no_rebuild contradict each other', async (t) => {
  const { configuration, problems } = readConfiguration('force_rebuild 1\nforce_no_rebuild 1\n', undefined);
  t.match(configuration, { forceRebuild: false, forceNoRebuild: false });
  t.match(problems, [{ line: 0, severity: 'error', message: /force_no_rebuild/ }]);
});

t.test('words that have no effect are warned of', async (t) => {
  t.match(problemOf('sshkey /root/.ssh/key'), { severity: 'warning', message: /no target is ssh/ });
  t.match(problemOf('fence_kdump_args -i 10'), { severity: 'warning', message: /without fence_kdump_nodes/ });
  t.match(problemOf('notify http://example.org/x'), { severity: 'warning', message: /not encrypted/ });
  t.match(problemOf('time_limit 30'), { severity: 'warning', hint: /seconds/ });
  t.match(problemOf('core_collector cp\ncompress zstd'), { severity: 'warning', message: /ELF/ });
  t.match(problemOf('core_collector /opt/save\nlevel 1'), { severity: 'warning', message: /\/opt\/save does the work/ });
  t.match(problemOf('cmdline a\ncmdline_remove b'), { severity: 'warning', message: /replaces all/ });
  t.match(problemOf('level 1', '/etc/kdump.conf'), { severity: 'warning', message: /do not know "level"/ });
});

t.test('no problem repeats a secret', async (t) => {
  const secret = 'hunter2-T0K3N';
  const lines = [
    `notify https://user:${secret}@example.org/${secret}?token=${secret}#${secret}`,
    `notify "http://example.org/${secret}"`,
    `notify ftp://example.org/${secret}`,
    `notify ${secret}`,
    `notfy https://example.org/${secret}`,
    `https://example.org/${secret}`,
    `KDUMP_SMTP_PASSWORD="${secret}"`,
    `FTP_PASSWORD ${secret}`,
    `ext4 UUID=zz password=${secret}`,
    `ext4 /dev/sda1 -password=${secret}`,
    `default https://x.org/${secret}`,
    `target https://me:${secret}@example.org/x`,
    `target ssh://me:${secret}@example.org/x`,
    `target s3://key:${secret}@crashes?region=a`,
    `target s3://crashes?region=a&secret_access_key=${secret}`,
    `target ${secret}`,
    `tarket https://me:${secret}@example.org/x`,
    `nfs nfs://me:${secret}@example.org/x`,
    `ssh me:${secret}@example.org`,
  ];
  for (const line of lines) {
    const said = JSON.stringify([
      readConfiguration(line, undefined).problems,
      readConfiguration(`${line}\n${line}`, '/etc/kdump.conf').problems,
    ]);
    t.notMatch(said, secret, line);
  }
});

t.test('a file cut at every length is read, and what is said of it names its lines', async (t) => {
  const whole = directives.flatMap(({ name, examples }) => examples.map((example) => `${name} ${example}  # why`)).join('\n');
  for (let length = 0; length <= whole.length; length++) {
    const { configuration, problems } = readConfiguration(whole.slice(0, length), '/etc/kdump.conf');
    if (configuration.targets.length === 0) t.fail(`no target at ${length}`);
    if (problems.some(({ message }) => message === '')) t.fail(`no message at ${length}`);
  }
});

t.test('whatever the bytes, there is a configuration that can be written and read again', async (t) => {
  const decoder = new TextDecoder();
  const good = new TextEncoder().encode(
    directives.flatMap(({ name, examples }) => examples.map((example) => `${name} ${example}`)).join('\n'),
  );
  for (let seed = 0; seed < 1500; seed++) {
    const random = new Random(seed);
    const bytes = seed % 3 === 0 ? Uint8Array.from({ length: random.below(300) }, () => random.below(256)) : damaged(good, random);
    const { configuration } = readConfiguration(decoder.decode(bytes), '/etc/kcapture.conf');
    const again = readConfiguration(formatConfiguration(configuration), '/etc/kcapture.conf').configuration;
    if (!isDeepStrictEqual(withoutLines(again), withoutLines(configuration))) t.same(again, configuration, `seed ${seed}`);
  }
});

function damaged(good: Uint8Array, random: Random): Uint8Array {
  const bytes = new Uint8Array(good);
  for (let i = random.below(60); i >= 0; i--)
    bytes[random.below(bytes.length)] = random.pick([0, 9, 10, 32, 34, 35, 39, 45, 92, 255, random.below(256)]);
  return bytes;
}

function withoutLines(configuration: Configuration) {
  return { ...configuration, targets: configuration.targets.map((target) => ({ ...target, line: 0 })) };
}

function disk(fsType: string, device: string, options?: string, line = 1) {
  return { kind: 'filesystem' as const, fsType, device, options, line };
}
