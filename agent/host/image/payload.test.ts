import { spawnSync } from 'node:child_process';
import { chmodSync, existsSync, readdirSync, statSync } from 'node:fs';
import { join } from 'node:path';
import t, { type Test } from 'tap';
import { createNodeSystem } from '../../testing/node-system.ts';
import { programsBelow } from '../../testing/machine-programs.ts';
import { createRootedSystem, putTree } from '../../testing/rooted-system.ts';
import { ensurePayload } from './payload.ts';

const hasTools = spawnSync('sh', ['-c', 'command -v mksquashfs && command -v unsquashfs']).status === 0;
const skip = hasTools ? false : 'squashfs-tools are not installed';
const state = 'var/lib/kcapture';

async function machine(t: Test, executable: string, missing: readonly string[] = []) {
  const root = t.testdir({ var: { tmp: {} }, tmp: {}, run: {} });
  putTree(root, { '/usr/bin/kcapture': executable });
  chmodSync(join(root, 'usr/bin/kcapture'), 0o755);
  const { programs } = await createNodeSystem();
  return createRootedSystem(root, { executablePath: '/usr/bin/kcapture', programs: programsBelow(root, programs, missing) });
}

t.test('the executable is packed once, and packed anew when it is another one', { skip }, async (t) => {
  const system = await machine(t, '#!/bin/sh\n[ "$1" = version ]\n');
  const first = ensurePayload(system, 'unknown');
  t.match(first, { kind: 'squashfs', path: /^\/var\/lib\/kcapture\/payload-[0-9a-f]{16}\.squashfs$/, warnings: [] });
  const made = statSync(join(system.root, first.path)).mtimeMs;
  t.same(ensurePayload(system, 'unknown'), first);
  t.equal(statSync(join(system.root, first.path)).mtimeMs, made, 'not made twice');
  putTree(system.root, { '/usr/bin/kcapture': '#!/bin/sh\n# another build\nexit 0\n' });
  const second = ensurePayload(system, 'unknown');
  t.not(second.path, first.path);
  t.same(readdirSync(join(system.root, state)), [second.path.split('/').pop()], 'the old one is gone');
});

t.test('a kernel that knows neither zstd nor xz gets another compression', { skip }, async (t) => {
  const system = await machine(t, '#!/bin/sh\nexit 0\n');
  putTree(system.root, {
    '/boot/config-1.0-gzip': 'CONFIG_SQUASHFS=m\nCONFIG_SQUASHFS_ZLIB=y\n',
    '/boot/config-1.0-none': 'CONFIG_EXT4_FS=y\n',
  });
  const compression = () => system.files.readAt(ensurePayload(system, '1.0-gzip').path, 20, 1)[0];
  ensurePayload(system, 'unknown');
  t.equal(compression(), 1);
  t.match(ensurePayload(system, '1.0-none'), { kind: 'plain', path: '/usr/bin/kcapture', warnings: [/cannot read squashfs/] });
});

t.test('an executable that does not start is not packed', { skip }, async (t) => {
  const system = await machine(t, '#!/bin/sh\necho "something is missing" >&2\nexit 3\n');
  t.throws(() => ensurePayload(system, 'unknown'), { code: 'image/payload', message: /status 3: something is missing/ });
  t.same(readdirSync(join(system.root, state)), []);
});

t.test('without mksquashfs the executable travels as it is, with a word about it', async (t) => {
  const system = await machine(t, '#!/bin/sh\nexit 0\n', ['mksquashfs']);
  t.match(ensurePayload(system, 'unknown'), { kind: 'plain', path: '/usr/bin/kcapture', warnings: [/install squashfs-tools/] });
  t.notOk(existsSync(join(system.root, state)));
});
