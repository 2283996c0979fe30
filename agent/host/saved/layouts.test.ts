import t from 'tap';
import { chooseLayout, isLog, isMemory, isUnfinished, readFolderName } from './layouts.ts';

t.test('the folder names of four systems are told apart', async (t) => {
  const time = '2026-03-01 12:34:56';
  t.strictSame(readFolderName('127.0.0.1-2026-03-01-12:34:56'), { layouts: ['kcapture', 'kdump-utils'], host: '127.0.0.1', time });
  t.strictSame(readFolderName('fe80::1-2026-03-01-12:34:56')?.host, 'fe80::1');
  t.strictSame(readFolderName('web-1-2026-03-01-12:34'), { layouts: ['suse'], host: 'web-1', time: '2026-03-01 12:34:00' });
  t.strictSame(readFolderName('2026-03-01-12-34'), { layouts: ['suse'], host: undefined, time: '2026-03-01 12:34:00' });
  t.strictSame(readFolderName('202603011234'), { layouts: ['debian'], host: undefined, time: '2026-03-01 12:34:00' });
  t.strictSame(readFolderName('10.0.0.7-202603011234')?.host, '10.0.0.7');
});

t.test('other names are no captures', async (t) => {
  for (const name of [
    '',
    'lost+found',
    '2026',
    'host-2026-13-01-12:34:56',
    '202603012534',
    'host-2026-03-01',
    'x'.repeat(300),
    '-2026-03-01-12:34:56',
  ]) {
    t.equal(readFolderName(name), undefined, name);
  }
});

t.test('files speak for the program that wrote them', async (t) => {
  const both = ['kcapture', 'kdump-utils'] as const;
  t.equal(chooseLayout(both, ['vmcore', 'kcapture.log']), 'kcapture');
  t.equal(chooseLayout(both, ['vmcore-incomplete', 'manifest.json-incomplete']), 'kcapture');
  t.equal(chooseLayout(both, ['vmcore', 'kexec-dmesg.log']), 'kdump-utils');
  t.equal(chooseLayout(['debian'], ['manifest.json']), 'debian');
});

t.test('logs, memory and what is not finished are known by name', async (t) => {
  const logs = ['vmcore-dmesg.txt', 'vmcore-dmesg.txt-incomplete', 'vmcore-dmesg-incomplete.txt', 'dmesg.txt', 'dmesg.202603011234'];
  const memory = [
    'vmcore',
    'vmcore-incomplete',
    'vmcore.flat',
    'vmcore.flat-incomplete',
    'vmcore-incomplete.flat',
    'dump.202603011234',
    'dump-incomplete',
  ];
  for (const name of logs)
    t.strictSame([isLog(name), isMemory(name), isUnfinished(name)], [true, false, name.includes('incomplete')], name);
  for (const name of memory)
    t.strictSame([isLog(name), isMemory(name), isUnfinished(name)], [false, true, name.includes('incomplete')], name);
});
