import t from 'tap';
import type { Configuration } from './configuration.ts';
import { defaultConfiguration } from './defaults.ts';
import { applyKernelWords } from './kernel-words.ts';
import { readConfiguration } from './read-configuration.ts';

const boot = 'BOOT_IMAGE=/vmlinuz root=kcapture irqpoll nr_cpus=1 elfcorehdr=0x33000000 ';

const words: [word: string, meaning: Partial<Configuration>][] = [
  ['kcapture.level=17,31', { collector: { ...own(), levels: [17, 31] } }],
  ['kcapture.compress=lzo', { collector: { ...own(), codec: 'lzo' } }],
  ['kcapture.threads=1', { collector: { ...own(), threads: 1 } }],
  ['kcapture.memory_limit=8M', { memoryLimitBytes: 2 ** 23 }],
  ['kcapture.path=/srv/crash', { path: '/srv/crash' }],
  ['kcapture.path="/srv/my crash"', { path: '/srv/my crash' }],
  ['"kcapture.path=/srv/my crash"', { path: '/srv/my crash' }],
  ['kcapture.time_limit=30m', { timeLimitSeconds: 1800 }],
  ['kcapture.time-limit=30m', { timeLimitSeconds: 1800 }],
  ['kcapture.device_timeout=10', { deviceTimeoutSeconds: 10 }],
  ['kcapture.min_free=1G', { minFreeBytes: 2 ** 30 }],
  ['kcapture.dmesg_only_below=always', { dmesgOnlyBelowBytes: Number.MAX_SAFE_INTEGER }],
  ['kcapture.final_action=halt', { finalAction: 'halt' }],
  ['kcapture.failure_action=shell', { failureAction: 'shell' }],
  ['kcapture.loop_limit=none', { loopLimit: { captures: 0, windowSeconds: 0 } }],
  ['kcapture.loop_limit="3 in 1h"', {}],
  [
    'kcapture.target=UUID=abcd-1234,ext4',
    { targets: [{ kind: 'filesystem', fsType: 'ext4', device: 'UUID=abcd-1234', options: undefined, line: 0 }] },
  ],
  [
    'kcapture.target=/dev/sda2,btrfs,rw,subvol=/@crash',
    { targets: [{ kind: 'filesystem', fsType: 'btrfs', device: '/dev/sda2', options: 'rw,subvol=/@crash', line: 0 }] },
  ],
  ['kcapture.target=root', { targets: [{ kind: 'root', line: 0 }] }],
  [
    'kcapture.target=nfs:srv:/x kcapture.target=raw:/dev/sdb kcapture.target=virtiofs:tag',
    {
      targets: [
        { kind: 'nfs', source: 'srv:/x', options: undefined, line: 0 },
        { kind: 'raw', device: '/dev/sdb', line: 0 },
        { kind: 'virtiofs', tag: 'tag', line: 0 },
      ],
    },
  ],
  [
    'kcapture.target=nfs:[2001:db8::1]:/x,vers=3,rsize=4096 kcapture.target=s3://crashes/a?endpoint=http://192.0.2.1:9000&region=b',
    {
      targets: [
        { kind: 'nfs', source: '[2001:db8::1]:/x', options: 'vers=3,rsize=4096', line: 0 },
        {
          kind: 'remote',
          place: { kind: 's3', bucket: 'crashes', prefix: 'a', endpoint: 'http://192.0.2.1:9000', region: 'b', style: 'path' },
          line: 0,
        },
      ],
    },
  ],
  ['kcapture.stall_limit=10 kcapture.retry-limit=20', { stallLimitSeconds: 10, retryLimitSeconds: 20 }],
  ['kcapture.compress=zstd:auto', { collector: { ...own(), codecLevel: 'auto' } }],
  ['kcapture.level=1 kcapture.level=2', { collector: { ...own(), levels: [2] } }],
  ['-- kcapture.path=/not/ours', {}],
  ['xkcapture.path=/x kcapturepath=/x', {}],
];

for (const [word, meaning] of words) {
  t.test(word, async (t) => {
    const { configuration, problems } = applyKernelWords(defaultConfiguration, `${boot}${word} quiet\n`);
    t.same(configuration, { ...defaultConfiguration, ...meaning });
    t.same(problems, []);
  });
}

t.test('targets of the command line stand instead of those of the file', async (t) => {
  const { configuration } = readConfiguration('ext4 LABEL=a\nxfs LABEL=b\nlevel 1\ncompress lzo', undefined);
  const changed = applyKernelWords(configuration, 'kcapture.target=ssh:me@host').configuration;
  t.same(changed.targets, [{ kind: 'remote', place: { kind: 'ssh', user: 'me', host: 'host', port: 22, path: undefined }, line: 0 }]);
  t.match(changed.collector, { levels: [1], codec: 'lzo' });
});

t.test('skip stands alone or with a value', async (t) => {
  t.same(applyKernelWords(defaultConfiguration, boot).switches, { skip: false });
  t.same(applyKernelWords(defaultConfiguration, 'kcapture.skip').switches, { skip: true });
  t.same(applyKernelWords(defaultConfiguration, 'kcapture.skip=yes').switches, { skip: true });
  t.same(applyKernelWords(defaultConfiguration, 'kcapture.skip=1 kcapture.skip=0').switches, { skip: false });
});

const mistakes: [word: string, says: RegExp][] = [
  ['kcapture.levle=31', /no such one.*kcapture\.level/],
  ['kcapture.level=99', /dump level "99"/],
  ['kcapture.level', /nothing follows/],
  ['kcapture.path=', /nothing follows/],
  ['kcapture.kernel=6.1', /no such one/],
  ['kcapture.notify=https://x.org/secret', /no such one/],
  ['kcapture.target=UUID=abcd', /DEVICE,FSTYPE/],
  ['kcapture.target=UUID=abcd,nfs', /DEVICE,FSTYPE/],
  ['kcapture.target=/dev/sda1,vfat', /DEVICE,FSTYPE/],
  ['kcapture.target=/dev/sda1,target', /DEVICE,FSTYPE/],
  ['kcapture.target=https://me:secret@srv/x', /kcapture target add/],
  ['kcapture.target=s3://crashes?region=a&secretkey=secret', /kcapture target add/],
  ['kcapture.skip=perhaps', /yes or no/],
  ['kcapture.', /nothing follows/],
];

for (const [word, says] of mistakes) {
  t.test(`${word} changes nothing and is said`, async (t) => {
    const { configuration, switches, problems } = applyKernelWords(defaultConfiguration, boot + word);
    t.same(configuration, defaultConfiguration);
    t.same(switches, { skip: false });
    t.equal(problems.length, 1);
    t.match(`${problems[0].message} ${problems[0].hint ?? ''}`, says);
    t.match(problems[0], { line: 0, severity: 'warning' });
    t.notMatch(JSON.stringify(problems), 'secret');
  });
}

t.test('a command line cut at every length changes what it can and never throws', async (t) => {
  const whole = `${boot}${words.map(([word]) => word).join(' ')} ${mistakes.map(([word]) => word).join(' ')}`;
  for (let length = 0; length <= whole.length; length++) {
    if (applyKernelWords(defaultConfiguration, whole.slice(0, length)).configuration.targets.length === 0) t.fail(`no target at ${length}`);
  }
});

function own() {
  const { collector } = defaultConfiguration;
  if (collector.kind !== 'own') throw new Error('the default collector is our own');
  return collector;
}
