import t from 'tap';
import { formatDumpName } from '../target/dump-name.ts';
import { checkedName, isOfSameHost, timeInName } from './stored-names.ts';

const own = formatDumpName('worker', Date.UTC(2026, 10, 21, 8));

t.test('captures of the same host are told from others', (t) => {
  for (const name of ['worker-2026-01-02-03:04:05', 'worker-2026-11-21-08:00:00.2']) t.ok(isOfSameHost(name, own), name);
  for (const name of [own, 'worker', 'worker-2-2026-01-02-03:04:05', 'other-2026-01-02-03:04:05', 'worker-2026-01-02', ''])
    t.notOk(isOfSameHost(name, own), name);
  t.end();
});

t.test('names sort by their time', (t) => {
  t.equal(timeInName(own), '2026-11-21-08:00:00');
  t.equal(timeInName(`${own}.2`), '2026-11-21-08:00:00.2');
  t.equal(timeInName('whatever'), '');
  t.end();
});

t.test('a name that leads elsewhere is stored nowhere', (t) => {
  for (const name of ['vmcore.flat', 'vmcore-dmesg.txt', 'kcapture.log-incomplete']) t.equal(checkedName(name), name);
  for (const name of ['', '.', '..', '../a', 'a/b', '/a', 'a\0', 'a b', '-a', 'a'.repeat(101)])
    t.throws(() => checkedName(name), RangeError);
  t.end();
});
