/**
 * An existing /etc/kdump.conf means here what it means to kdump.
 *
 * @source kdump-utils 63f248c: the directives and examples of its stock configuration, and the lines its own tests read
 */
import t from 'tap';
import type { Configuration } from './configuration.ts';
import { defaultConfiguration } from './defaults.ts';
import { directives } from './directive-table.ts';
import { readConfiguration } from './read-configuration.ts';

const source = '/etc/kdump.conf';
const lzo31 = { kind: 'own', levels: [31], codec: 'lzo', codecLevel: undefined, format: 'kdump', flattened: false, threads: 0 } as const;
const zstd31 = { ...lzo31, codec: 'zstd' } as const;

/** What the stock file sets, on most machines and on s390x. */
const stock = ['auto_reset_crashkernel yes', 'path /var/crash', 'core_collector makedumpfile -l --message-level 7 -d 31'];
const stockS390x = [stock[0], stock[1], 'core_collector makedumpfile -c --message-level 7 -d 31'];

/** Its commented examples. */
const examples: [line: string, meaning: Partial<Configuration>][] = [
  ['raw /dev/vg/lv_kdump', { targets: [{ kind: 'raw', device: '/dev/vg/lv_kdump', line: 1 }], collector: zstd31 }],
  ['ext4 /dev/vg/lv_kdump', disk('ext4', '/dev/vg/lv_kdump')],
  ['ext4 LABEL=/boot', disk('ext4', 'LABEL=/boot')],
  ['ext4 UUID=03138356-5e61-4ab3-b58e-27507ac41937', disk('ext4', 'UUID=03138356-5e61-4ab3-b58e-27507ac41937')],
  ['virtiofs myfs', { targets: [{ kind: 'virtiofs', tag: 'myfs', line: 1 }] }],
  ['nfs my.server.com:/export/tmp', { targets: [{ kind: 'nfs', source: 'my.server.com:/export/tmp', options: undefined, line: 1 }] }],
  [
    'nfs [2001:db8::1:2:3:4]:/export/tmp',
    { targets: [{ kind: 'nfs', source: '[2001:db8::1:2:3:4]:/export/tmp', options: undefined, line: 1 }] },
  ],
  [
    'ssh user@my.server.com',
    {
      targets: [{ kind: 'remote', place: { kind: 'ssh', user: 'user', host: 'my.server.com', port: 22, path: undefined }, line: 1 }],
      collector: zstd31,
    },
  ],
  [
    'ssh user@2001:db8::1:2:3:4',
    {
      targets: [{ kind: 'remote', place: { kind: 'ssh', user: 'user', host: '2001:db8::1:2:3:4', port: 22, path: undefined }, line: 1 }],
      collector: zstd31,
    },
  ],
  ['sshkey /root/.ssh/kdump_id_rsa', { sshKey: '/root/.ssh/kdump_id_rsa' }],
  ['auto_reset_crashkernel yes', {}],
  ['path /var/crash', {}],
  ['core_collector makedumpfile -l --message-level 7 -d 31', { collector: lzo31 }],
  ['core_collector scp', { collector: { ...lzo31, levels: [0], codec: undefined, format: 'elf' } }],
  ['kdump_post /var/crash/scripts/kdump-post.sh', { postHooks: ['/var/crash/scripts/kdump-post.sh'] }],
  ['kdump_pre /var/crash/scripts/kdump-pre.sh', { preHooks: ['/var/crash/scripts/kdump-pre.sh'] }],
  ['extra_bins /usr/bin/lftp', { extraPrograms: ['/usr/bin/lftp'] }],
  ['extra_modules gfs2', { extraModules: ['gfs2'] }],
  ['failure_action shell', { failureAction: 'shell' }],
  ['force_rebuild 1', { forceRebuild: true }],
  ['force_no_rebuild 1', { forceNoRebuild: true }],
  [
    'dracut_args --omit-drivers "cfg80211 snd" --add-drivers "ext2 ext3"',
    { dracutArguments: ['--omit-drivers', 'cfg80211 snd', '--add-drivers', 'ext2 ext3'] },
  ],
  ['fence_kdump_args -p 7410 -f auto -c 0 -i 10', { fenceKdumpArguments: ['-p', '7410', '-f', 'auto', '-c', '0', '-i', '10'] }],
  ['fence_kdump_nodes node1 node2', { fenceKdumpNodes: ['node1', 'node2'] }],
];

for (const [machine, lines, collector] of [
  ['most machines', stock, lzo31],
  ['s390x', stockS390x, { ...lzo31, codec: 'zlib' }],
] as const) {
  t.test(`the stock file of ${machine} has no problems and means what it says`, async (t) => {
    t.same(readConfiguration(lines.join('\n'), source), { configuration: { ...defaultConfiguration, source, collector }, problems: [] });
  });
}

for (const [line, meaning] of examples) {
  t.test(`the stock file's example "${line}"`, async (t) => {
    const { configuration, problems } = readConfiguration(`${line}\n`, source);
    t.same(configuration, { ...defaultConfiguration, source, ...meaning });
    t.same(
      problems.filter((problem) => problem.severity === 'error'),
      [],
    );
  });

  t.test(`"${line}" after the rest of the stock file adds just that`, async (t) => {
    const [name] = line.split(' ');
    const others = stock.filter((each) => each.split(' ')[0] !== name);
    const { configuration, problems } = readConfiguration([line, ...others].join('\n'), source);
    const collector = name === 'core_collector' ? (meaning.collector ?? lzo31) : lzo31;
    t.same(configuration, { ...defaultConfiguration, source, ...meaning, collector });
    t.same(
      problems.filter((problem) => problem.severity === 'error'),
      [],
    );
  });
}

t.test('every directive that kdumpctl takes is one here', async (t) => {
  const theirs = [
    ...['auto_reset_crashkernel', 'btrfs', 'core_collector', 'dracut_args', 'ext2', 'ext3', 'ext4', 'extra_bins', 'extra_modules'],
    ...['failure_action', 'fence_kdump_args', 'fence_kdump_nodes', 'final_action', 'force_no_rebuild', 'force_rebuild', 'kdump_emergency'],
    ...['kdump_post', 'kdump_pre', 'minix', 'nfs', 'path', 'raw', 'ssh', 'sshkey', 'virtiofs', 'xfs'],
  ];
  const ours = directives.filter(({ origin }) => origin === 'kdump').map(({ name }) => name);
  t.same([...ours].sort(), theirs);
});

t.test('blanks, tabs, comments at the end and quotes are read as kdump reads them', async (t) => {
  const text = [
    'default shell',
    'nfs my.server.com:/export/tmp # trailing comment',
    '\t\tfailure_action\t shell',
    'dracut_args --omit-drivers "cfg80211 snd" --add-drivers "ext2 ext3"',
    'sshkey /root/.ssh/kdump_id_rsa',
    'ssh user@my.server.com',
    '    ext2\t  \t/dev/sda1\t\t# trailing comment',
    '    ext2\t\t/dev/sdb1\t   \t# trailing comment',
    'virtiofs /dev/sdc1',
    '# Note: this and the next line are comments',
    '#virtiofs /dev/sdd1',
    'core_collector "makedumpfile -l --message-level 7 -d 31"',
  ].join('\n');
  const { configuration } = readConfiguration(text, source);
  t.same(configuration, {
    ...defaultConfiguration,
    source,
    failureAction: 'shell',
    dracutArguments: ['--omit-drivers', 'cfg80211 snd', '--add-drivers', 'ext2 ext3'],
    sshKey: '/root/.ssh/kdump_id_rsa',
    collector: lzo31,
    targets: [
      { kind: 'nfs', source: 'my.server.com:/export/tmp', options: undefined, line: 2 },
      { kind: 'remote', place: { kind: 'ssh', user: 'user', host: 'my.server.com', port: 22, path: undefined }, line: 6 },
      { kind: 'filesystem', fsType: 'ext2', device: '/dev/sda1', options: undefined, line: 7 },
      { kind: 'filesystem', fsType: 'ext2', device: '/dev/sdb1', options: undefined, line: 8 },
      { kind: 'virtiofs', tag: '/dev/sdc1', line: 9 },
    ],
  });
});

t.test('without targets, path and key the defaults of kdump hold', async (t) => {
  t.match(defaultConfiguration, {
    path: '/var/crash',
    failureAction: 'reboot',
    finalAction: 'reboot',
    targets: [{ kind: 'root' }],
    autoResetCrashkernel: true,
  });
});

t.test('a target can be named in dracut_args', async (t) => {
  const line = 'dracut_args --add "lvm" --mount "/dev/vg/lv /mnt/crash xfs rw,noatime" --omit-drivers=snd';
  const { configuration, problems } = readConfiguration(line, source);
  t.same(problems, []);
  t.same(configuration.targets, [{ kind: 'filesystem', fsType: 'xfs', device: '/dev/vg/lv', options: 'rw,noatime', line: 1 }]);
  t.same(configuration.dracutArguments, ['--add', 'lvm', '--omit-drivers=snd'], 'dracut must not wait for the target');
  const nfs = readConfiguration("dracut_args --mount='srv:/x /mnt nfs4 defaults'", source).configuration;
  t.same(nfs.targets, [{ kind: 'nfs', source: 'srv:/x', options: undefined, line: 1 }]);
  t.match(readConfiguration('dracut_args --mount "vfs /mnt virtiofs"', source).configuration.targets, [{ kind: 'virtiofs', tag: 'vfs' }]);
});

const collectors: [value: string, meaning: Configuration['collector']][] = [
  ['makedumpfile', { ...lzo31, levels: [0], codec: undefined }],
  ['/usr/sbin/makedumpfile -c -d 17', { ...lzo31, levels: [17], codec: 'zlib' }],
  ['makedumpfile -p -d31', { ...lzo31, codec: 'snappy' }],
  ['makedumpfile -zd 31,0 --num-threads=4', { ...lzo31, codec: 'zstd', levels: [31, 0], threads: 4 }],
  ['"makedumpfile -E -d 31"', { ...lzo31, codec: undefined, format: 'elf' }],
  ['cp --sparse=always', { ...lzo31, levels: [0], codec: undefined, format: 'elf' }],
  ['kcapture dump', zstd31],
  ['kcapture dump -d 1 -l --num-threads 2', { ...lzo31, levels: [1], threads: 2 }],
  ['kcapture dump --compress=zstd --level=3 --dump-level 31,17', { ...zstd31, codecLevel: 3, levels: [31, 17] }],
  ['kcapture dump --elf', { ...lzo31, codec: undefined, format: 'elf' }],
  ['/usr/local/bin/save --to "a b"', { kind: 'program', argv: ['/usr/local/bin/save', '--to', 'a b'] }],
  ['cat', { kind: 'program', argv: ['cat'] }],
];

for (const [value, meaning] of collectors) {
  t.test(`core_collector ${value}`, async (t) => {
    t.same(readConfiguration(`core_collector ${value}`, source), {
      configuration: { ...defaultConfiguration, source, collector: meaning },
      problems: [],
    });
  });
}

t.test('-F says nothing: the target decides whether the dump is a stream', async (t) => {
  for (const target of ['ssh user@host', 'raw /dev/sdb1', 'ext4 LABEL=x']) {
    const { configuration, problems } = readConfiguration(`${target}\ncore_collector makedumpfile -F -l -d 31`, source);
    t.same(configuration.collector, lzo31);
    t.same(problems, []);
  }
});

t.test('level, compress and threads win over core_collector, wherever they stand', async (t) => {
  for (const text of [
    'core_collector makedumpfile -l -d 31\nlevel 17\ncompress zstd:3\nthreads 2',
    'threads 2\ncompress zstd:3\nlevel 17\ncore_collector makedumpfile -l -d 31',
  ]) {
    t.same(readConfiguration(text, undefined).configuration.collector, { ...zstd31, levels: [17], codecLevel: 3, threads: 2 });
  }
});

function disk(fsType: string, device: string): Partial<Configuration> {
  return { targets: [{ kind: 'filesystem', fsType, device, options: undefined, line: 1 }] };
}
