import { mkdirSync, readdirSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import t, { type Test } from 'tap';
import type { Keep } from '../config/configuration.ts';
import { createRootedSystem } from '../testing/rooted-system.ts';
import { applyRetention } from './retention.ts';

const days = [1, 2, 3, 4, 5].map((day) => `host-2026-01-0${day}-00:00:00`);
const nowMs = Date.UTC(2026, 0, 5, 1);

async function setUp(t: Test) {
  const root = t.testdir({ crash: {} });
  const system = await createRootedSystem(root);
  const put = (folder: string, files: Record<string, string>) => {
    mkdirSync(join(root, 'crash', folder), { recursive: true });
    for (const [name, content] of Object.entries(files)) writeFileSync(join(root, 'crash', folder, name), content);
  };
  for (const day of days) put(day, { 'manifest.json': '{}', vmcore: 'x'.repeat(98), 'vmcore-dmesg.txt': '' });
  const apply = (keep: Keep, changes: { nowMs?: number; newest?: string } = {}) =>
    applyRetention(system, { parent: '/crash', newest: days[4], host: 'host', keep, nowMs, ...changes });
  return { root, put, apply, list: () => readdirSync(join(root, 'crash')).sort() };
}

t.test('without a wish all stay', async (t) => {
  const { apply, list } = await setUp(t);
  t.same(apply({}), []);
  t.same(list(), days);
});

t.test('the newest stay by number, by bytes, by age; the oldest goes first', async (t) => {
  for (const keep of [{ count: 2 }, { totalBytes: 250 }, { ageSeconds: 30 * 3600 }]) {
    const { apply, list } = await setUp(t);
    t.same(apply(keep), days.slice(0, 3), JSON.stringify(keep));
    t.same(list(), days.slice(3));
  }
});

t.test('the new dump stays, whatever is wished and whatever its name says', async (t) => {
  const { apply, list } = await setUp(t);
  t.same(apply({ count: 0, totalBytes: 0, ageSeconds: 0 }, { newest: days[0] }), days.slice(1));
  t.same(list(), [days[0]]);
});

t.test('a clock that is not trusted makes nothing old', async (t) => {
  const { root: _root, apply, list } = await setUp(t);
  t.same(apply({ ageSeconds: 1 }, { nowMs: undefined }), []);
  t.same(list(), days);
});

t.test('what is not certainly ours stays', async (t) => {
  const { root, put, apply, list } = await setUp(t);
  const elsewhere = join(root, 'elsewhere');
  mkdirSync(elsewhere);
  writeFileSync(join(elsewhere, 'manifest.json'), '{}');
  put('other-2026-01-01-00:00:00', { 'manifest.json': '' });
  put('host-2026-01-01-00:00:01', { 'manifest.json': '', 'notes.txt': 'mine' });
  put('host-2026-01-01-00:00:02', { vmcore: '' });
  put('host-2026-01-01-00:00:03', {});
  put('host-2026-13-41-00:00:00', { 'manifest.json': '' });
  put('host-2026-01-01-00:00:04/manifest.json', {});
  put('precious', { 'manifest.json': '' });
  put('host-2026-01-01-00:00:05', { 'manifest.json': '' });
  symlinkSync('/etc/passwd', join(root, 'crash/host-2026-01-01-00:00:05/vmcore'));
  symlinkSync(elsewhere, join(root, 'crash/host-2026-01-01-00:00:06'));
  writeFileSync(join(root, 'crash/host-2026-01-01-00:00:07'), 'a file');
  const others = list().filter((name) => !days.includes(name));
  apply({ count: 1 });
  t.same(list(), [...others, days[4]].sort());
  t.same(readdirSync(elsewhere), ['manifest.json'], 'a link is not followed');
});

t.test('what an unfinished capture left is ours too', async (t) => {
  const { put, apply, list } = await setUp(t);
  put('host-2025-01-01-00:00:00', { 'kcapture.log-incomplete': '', 'manifest.json-incomplete': '', 'vmcore-incomplete': '' });
  t.same(apply({ count: 5 }), ['host-2025-01-01-00:00:00']);
  t.same(list(), days);
});

t.test('host names that hold other names do not reach them', async (t) => {
  const { put, apply, list } = await setUp(t);
  put('host-a-2026-01-01-00:00:00', { 'manifest.json': '' });
  put('ahost-2026-01-01-00:00:00', { 'manifest.json': '' });
  apply({ count: 1 });
  t.ok(list().includes('host-a-2026-01-01-00:00:00') && list().includes('ahost-2026-01-01-00:00:00'));
});
