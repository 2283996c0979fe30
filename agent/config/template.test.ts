import { readFileSync } from 'node:fs';
import t from 'tap';
import type { Configuration, TargetWish } from './configuration.ts';
import { defaultConfiguration } from './defaults.ts';
import { directives } from './directive-table.ts';
import { readConfiguration } from './read-configuration.ts';

const template = readFileSync('hooks/kcapture.conf', 'utf8');
const examples = template.split('\n').filter((line) => /^#\S/.test(line));
const own = defaultConfiguration.collector;

/** What each line means once its `#` is gone. Nothing: what holds anyway. */
const meanings: Record<string, Partial<Configuration>> = {
  '#ext4 UUID=03138356-5e61-4ab3-b58e-27507ac41937': target({
    kind: 'filesystem',
    fsType: 'ext4',
    device: 'UUID=03138356-5e61-4ab3-b58e-27507ac41937',
    options: undefined,
    line: 1,
  }),
  '#xfs LABEL=crash': target({ kind: 'filesystem', fsType: 'xfs', device: 'LABEL=crash', options: undefined, line: 1 }),
  '#btrfs /dev/vg/crash subvol=/@crash': target({
    kind: 'filesystem',
    fsType: 'btrfs',
    device: '/dev/vg/crash',
    options: 'subvol=/@crash',
    line: 1,
  }),
  '#f2fs PARTUUID=6f1c9a0e-02': target({ kind: 'filesystem', fsType: 'f2fs', device: 'PARTUUID=6f1c9a0e-02', options: undefined, line: 1 }),
  '#nfs my.server.com:/export/crash': target({ kind: 'nfs', source: 'my.server.com:/export/crash', options: undefined, line: 1 }),
  '#ssh user@my.server.com': target({
    kind: 'remote',
    place: { kind: 'ssh', user: 'user', host: 'my.server.com', port: 22, path: undefined },
    line: 1,
  }),
  '#target ssh://user@my.server.com:2222/srv/crash': target({
    kind: 'remote',
    place: { kind: 'ssh', user: 'user', host: 'my.server.com', port: 2222, path: '/srv/crash' },
    line: 1,
  }),
  '#target https://dumps.example.org/incoming': target({
    kind: 'remote',
    place: { kind: 'http', secure: true, host: 'dumps.example.org', port: 443, path: '/incoming' },
    line: 1,
  }),
  '#target s3://crashes/fleet?region=eu-central-1': target({
    kind: 'remote',
    place: {
      ...{ kind: 's3', bucket: 'crashes', prefix: 'fleet', region: 'eu-central-1', style: 'virtual' },
      endpoint: 'https://s3.eu-central-1.amazonaws.com',
    },
    line: 1,
  }),
  '#target s3://crashes?endpoint=https://store.example.org:9000': target({
    kind: 'remote',
    place: {
      ...{ kind: 's3', bucket: 'crashes', prefix: '', region: 'us-east-1', style: 'path' },
      endpoint: 'https://store.example.org:9000',
    },
    line: 1,
  }),
  '#virtiofs crash': target({ kind: 'virtiofs', tag: 'crash', line: 1 }),
  '#raw /dev/disk/by-id/dm-name-vg-crash': target({ kind: 'raw', device: '/dev/disk/by-id/dm-name-vg-crash', line: 1 }),
  '#path /var/crash': {},
  '#sshkey /root/.ssh/kdump_id_rsa': { sshKey: '/root/.ssh/kdump_id_rsa' },
  '#device_timeout 1m': {},
  '#stall_limit 1m': {},
  '#retry_limit 2m': {},
  '#level 31': {},
  '#compress zstd': {},
  '#threads all': {},
  '#memory_limit auto': {},
  '#core_collector makedumpfile -l --message-level 7 -d 31': { collector: { ...own, codec: 'lzo' } as Configuration['collector'] },
  '#dmesg_only_below never': {},
  '#min_free 64M': {},
  '#time_limit none': {},
  '#keep all': {},
  '#kdump_pre /usr/local/sbin/before-dump': { preHooks: ['/usr/local/sbin/before-dump'] },
  '#kdump_post /usr/local/sbin/after-dump': { postHooks: ['/usr/local/sbin/after-dump'] },
  '#kdump_emergency /usr/local/sbin/no-dump': { emergencyHooks: ['/usr/local/sbin/no-dump'] },
  '#hook_timeout 1m': {},
  '#extra_bins /usr/bin/lftp': { extraPrograms: ['/usr/bin/lftp'] },
  '#notify https://hooks.example.org/services/T0/B1/secret': { notify: ['https://hooks.example.org/services/T0/B1/secret'] },
  '#failure_action reboot': {},
  '#final_action reboot': {},
  '#loop_limit 3 in 1h': {},
  '#kernel 6.1.0-56-amd64': { kernel: '6.1.0-56-amd64' },
  '#generator auto': {},
  '#extra_modules gfs2': { extraModules: ['gfs2'] },
  '#cmdline_append nr_cpus=2': { commandLine: { replace: undefined, remove: [], append: 'nr_cpus=2' } },
  '#cmdline_remove isolcpus nohz_full': { commandLine: { replace: undefined, remove: ['isolcpus', 'nohz_full'], append: undefined } },
  '#cmdline console=ttyS0 root=kcapture nr_cpus=1 irqpoll reset_devices': {
    commandLine: { replace: 'console=ttyS0 root=kcapture nr_cpus=1 irqpoll reset_devices', remove: [], append: undefined },
  },
  '#dracut_args --omit-drivers "cfg80211 snd"': { dracutArguments: ['--omit-drivers', 'cfg80211 snd'] },
  '#force_rebuild 0': {},
  '#force_no_rebuild 0': {},
  '#fence_kdump_nodes node1 node2': { fenceKdumpNodes: ['node1', 'node2'] },
  '#fence_kdump_args -p 7410 -f auto -c 0 -i 10': { fenceKdumpArguments: ['-p', '7410', '-f', 'auto', '-c', '0', '-i', '10'] },
};

t.test('as it is shipped the template says nothing', async (t) => {
  t.same(readConfiguration(template, undefined), { configuration: defaultConfiguration, problems: [] });
});

t.test('the template shows each line that is tested here and no other', async (t) => {
  t.same(examples, Object.keys(meanings));
});

for (const [line, meaning] of Object.entries(meanings)) {
  t.test(`${line.slice(1)} means what the template says`, async (t) => {
    const { configuration, problems } = readConfiguration(line.slice(1), undefined);
    t.same(configuration, { ...defaultConfiguration, ...meaning });
    t.same(
      problems.filter((problem) => problem.line > 0),
      [],
    );
  });
}

t.test('every directive stands in the template, but for kinds of disks and words without effect', async (t) => {
  const shown = new Set(examples.map((line) => line.slice(1).split(' ')[0]));
  const missing = directives.map(({ name }) => name).filter((name) => !shown.has(name));
  t.same(missing, ['ext2', 'ext3', 'minix', 'auto_reset_crashkernel']);
});

t.test('a line that shows a default shows the one of the table', async (t) => {
  for (const [line, meaning] of Object.entries(meanings)) {
    if (Object.keys(meaning).length > 0) continue;
    const [, name, value] = line.match(/^#(\S+) (.*)$/) ?? [];
    t.equal(value, directives.find((each) => each.name === name)?.default, line);
  }
});

function target(wish: TargetWish): Partial<Configuration> {
  return { targets: [wish] };
}
