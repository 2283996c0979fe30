import t from 'tap';
import { formatDumpName, parseDumpName, safeHost } from './dump-name.ts';

const time = Date.UTC(2026, 10, 21, 3, 4, 5);

t.test('a name tells host and second, and is read back', async (t) => {
  t.equal(formatDumpName('web-1.example', time), 'web-1.example-2026-11-21-03:04:05');
  t.same(parseDumpName('web-1.example-2026-11-21-03:04:05'), { host: 'web-1.example', timeMs: time });
  t.same(parseDumpName('a-2026-11-21-03:04:05.2'), { host: 'a', timeMs: time });
});

t.test('any other name is none', async (t) => {
  for (const name of [
    '',
    '-2026-11-21-03:04:05',
    '.-2026-11-21-03:04:05',
    '../a-2026-11-21-03:04:05',
    'a/b-2026-11-21-03:04:05',
    'a-2026-13-21-03:04:05',
    'a-2026-11-41-03:04:05',
    'a-2026-11-21-03:04:05-incomplete',
    'a-2026-11-21-03:04:05\n',
    'a-2026-11-21',
    `${'a'.repeat(65)}-2026-11-21-03:04:05`,
  ]) {
    t.equal(parseDumpName(name), undefined, name);
  }
});

t.test('a host name never leads elsewhere', async (t) => {
  t.same(['../../etc', '.hidden', 'a/b', 'a b\n', '', '...', 'x'.repeat(100), 'größe'].map(safeHost), [
    'etc',
    'hidden',
    'a_b',
    'a_b_',
    'localhost',
    'localhost',
    'x'.repeat(64),
    'gr__e',
  ]);
  for (const host of ['../../etc', '', 'a b']) t.ok(parseDumpName(formatDumpName(host, time)));
});
