import t from 'tap';
import { defaultConfiguration } from '../../config/defaults.ts';
import { formatRequirements } from './format-requirements.ts';
import { guardLine } from './guard-line.ts';
import type { Requirements } from './requirements.ts';

const requirements: Requirements = {
  consumer: 'dracut',
  kernelRelease: '6.1',
  plan: {
    version: 1,
    builtAt: '2026-01-01T00:00:00Z',
    kcapture: { version: '1', commit: 'x' },
    host: 'h',
    machineId: undefined,
    kernelRelease: '6.1',
    targets: [],
    modules: [],
    inputHash: '0',
  },
  folders: [{ path: '/etc/kcapture/targets', mode: 0o700 }],
  files: [{ source: '/a', destination: '/b', mode: 0o600 }],
  programs: ['/bin/sh'],
  links: [{ path: '/bin/sh', target: '/bin/dash' }],
  libraries: ['/lib/x.so'],
  modules: [{ name: 'xfs', path: '/lib/modules/6.1/xfs.ko' }],
  firmware: ['x.fw.xz'],
  commandLineWords: ['root=kcapture'],
  warnings: ['two\nlines'],
};

t.test('each line is a kind and its fields; modules are files already', (t) => {
  t.same(formatRequirements(requirements).split('\n'), [
    'folder\t/etc/kcapture/targets\t0700',
    'file\t/a\t/b\t0600',
    'program\t/bin/sh',
    'link\t/bin/sh\t/bin/dash',
    'library\t/lib/x.so',
    'firmware\tx.fw.xz',
    'cmdline\troot=kcapture',
    'warning\ttwo lines',
    '',
  ]);
  t.end();
});

t.test('a path no line can carry is refused', (t) => {
  for (const path of ['/a\tb', '/a\nb', '/a\0b']) {
    t.throws(() => formatRequirements({ ...requirements, programs: [path] }), { code: 'requirements/bad-field' });
  }
  t.end();
});

t.test('the guard waits longer than anything that is silent and sound', (t) => {
  t.equal(guardLine(defaultConfiguration), '600 0\n');
  t.equal(guardLine({ ...defaultConfiguration, hookTimeoutSeconds: 900, timeLimitSeconds: 3600 }), '1020 3780\n');
  t.end();
});
