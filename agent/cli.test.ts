import { existsSync } from 'node:fs';
import t, { type Test } from 'tap';
import { run } from './cli.ts';
import { buildMemMap } from './testing/build-mem-map.ts';
import { createCapturedSystem } from './testing/captured-system.ts';

const build = { version: '1.2.3', commit: 'abc', runtime: 'node', arch: 'x64' };

async function setUp(t: Test) {
  const system = await createCapturedSystem();
  t.teardown(() => system.removeFolder());
  const vmcore = buildMemMap('0x0-0xff free order 8; 0x100-0x10f anon; 0x110-0x1ff kernel', {
    fill: (pfn, page) => page.fill(pfn),
  }).vmcore();
  const source = system.put('vmcore', vmcore);
  return { system, source, go: (...words: string[]) => run(system, build, words) };
}

t.test('dump prints what was saved', async (t) => {
  const { system, source, go } = await setUp(t);
  t.equal(await go('dump', '-c', '--show-stats', source, system.path('out')), 0);
  t.match(system.printed.out, /^free +256 +1\.00 MiB +dropped$/m);
  t.match(system.printed.out, /^saved +.*out$/m);
});

t.test('dump --json prints a result that scripts can read', async (t) => {
  const { system, source, go } = await setUp(t);
  t.equal(await go('dump', '--json', '-z', source, system.path('out')), 0);
  t.match(JSON.parse(system.printed.out), { complete: true, codec: 'zstd', level: 31, pages: { free: 256, user: 16 } });
});

t.test('a full disk is exit code 3', async (t) => {
  const { system, source, go } = await setUp(t);
  system.roomBytes = 100_000;
  t.equal(await go('dump', '-q', '--compress', 'none', source, system.path('out')), 3);
  t.match(system.printed.out, /^INCOMPLETE .*out-incomplete$/m);
});

const mistakes: [words: string[], says: RegExp][] = [
  [['dump', 'vmcore', '-'], /Add -F/],
  [['dump', '-c', '-z', 'vmcore', 'out'], /choose one/],
  [['dump', '-E', '-l', 'vmcore', 'out'], /ELF/],
  [['dump', 'vmcore', 'a', 'b'], /--split/],
  [['dump', '--split', 'vmcore', 'a'], /two or more/],
  [['dump', '-d', '32', 'vmcore', 'out'], /from 0 to 31/],
  [['dump', '--level', '20', 'vmcore', 'out'], /-7 to 19/],
  [['dump', '--num-threads', '0', 'vmcore', 'out'], /1 to 256/],
  [['dump', '--memory-limit', '100K', 'vmcore', 'out'], /less than 256K/],
  [['dump', '--memory-limit', '1MB', 'vmcore', 'out'], /as a size/],
  [['dump'], /missing required argument/],
  [['dmup', 'vmcore', 'out'], /dump/],
  [['vtop', 'xyz', 'vmcore'], /hexadecimal/],
  [['reassemble', 'a', 'b'], /two parts/],
  [['dump', '--no-such', 'a', 'b'], /unknown option/],
];
for (const [words, says] of mistakes) {
  t.test(`"${words.join(' ')}" is exit code 2 and says what is wrong`, async (t) => {
    const { system, go } = await setUp(t);
    t.equal(await go(...words), 2);
    t.match(system.printed.error, says);
  });
}

t.test('files that cannot be read give one clear error and leave nothing behind', async (t) => {
  const { system, go } = await setUp(t);
  const inputs = [
    system.path('missing'),
    system.folder,
    system.put('empty', new Uint8Array(0)),
    system.put('text', Buffer.from('hello '.repeat(2000))),
  ];
  for (const input of inputs) {
    for (const words of [
      ['dump', '-c', input, system.path('out')],
      ['dmesg', input],
      ['vtop', 'ffffffff81000000', input],
    ]) {
      system.printed.error = '';
      t.equal(await go(...words), 1, `${words[0]} ${input}`);
      t.match(system.printed.error, /^kcapture: Cannot /);
      t.notMatch(system.printed.error, /internal error/);
    }
  }
  t.notOk(existsSync(system.path('out')));
  t.notOk(existsSync(system.path('out-incomplete')));
});

t.test('help teaches: every command and the exit codes', async (t) => {
  const { system, go } = await setUp(t);
  t.equal(await go('--help'), 0);
  for (const word of ['dump', 'dmesg', 'inspect', 'rearrange', 'reassemble', 'vtop', 'version', 'Exit codes', '/proc/vmcore']) {
    t.match(system.printed.out, word);
  }
});

t.test('version names the build', async (t) => {
  const { system, go } = await setUp(t);
  t.equal(await go('version'), 0);
  t.match(system.printed.out, /^kcapture 1\.2\.3 \(abc/);
});
