import { existsSync, readFileSync } from 'node:fs';
import t, { type Test } from 'tap';
import { buildMemMap } from '../testing/build-mem-map.ts';
import { createCapturedSystem } from '../testing/captured-system.ts';
import { runAsMakedumpfile } from './run.ts';

const words = '0x0-0xff free order 8; 0x100-0x10f anon; 0x110-0x11f cache; 0x120-0x1ff kernel';

async function setUp(t: Test) {
  const system = await createCapturedSystem();
  t.teardown(() => system.removeFolder());
  const source = system.put('vmcore', buildMemMap(words, { fill: (pfn, page) => page.fill(pfn) }).vmcore());
  const run = (...args: string[]) => runAsMakedumpfile(system, '1.0.0', args);
  return { system, source, out: system.path('dump'), run };
}

t.test('-c -d 31 --show-stats writes the dump under its name and prints the report', async (t) => {
  const { system, source, out, run } = await setUp(t);
  t.equal(run('-c', '-d', '31', '--show-stats', source, out), 0);
  t.match(system.printed.out, /^ {4}Free pages {14}: 0x0{13}100$/m);
  t.match(system.printed.out, /^ {4}User process data pages : 0x0{14}10$/m);
  t.match(system.printed.out, new RegExp(`\nThe dumpfile is saved to ${out}.\n\nmakedumpfile Completed.\n$`));
  t.ok(existsSync(out));
});

t.test('options may be glued together and follow the files', async (t) => {
  const { source, out, run } = await setUp(t);
  t.equal(run(source, out, '-cd31'), 0);
  t.equal(readFileSync(out).readInt32LE(4096 + 8), 31);
});

t.test('the default is level 0 without compression', async (t) => {
  const { source, out, run } = await setUp(t);
  t.equal(run(source, out), 0);
  t.equal(readFileSync(out).readUInt32LE(424), 0);
  t.equal(readFileSync(out).readInt32LE(4096 + 8), 0);
});

t.test('--message-level 0 is silent', async (t) => {
  const { system, source, out, run } = await setUp(t);
  t.equal(run('--message-level', '0', source, out), 0);
  t.equal(system.printed.out + system.printed.error, '');
});

t.test('a dump that exists fails without -f', async (t) => {
  const { system, source, run } = await setUp(t);
  const out = system.put('dump', new Uint8Array(1));
  t.equal(run('-d', '31', source, out), 1);
  t.match(system.printed.out, /makedumpfile Failed\.\n$/);
  t.equal(run('-f', '-d', '31', source, out), 0);
});

t.test('--check-params says nothing when all is well, whether files exist or not', async (t) => {
  const { system, run } = await setUp(t);
  t.equal(run('--check-params', '-l', '-d', '31', '/proc/vmcore', '/no/such/dump'), 0);
  t.equal(system.printed.out, '');
});

const wrong: string[][] = [
  ['-d', '32', 'a', 'b'],
  ['-d', 'x', 'a', 'b'],
  ['-E', '-c', 'a', 'b'],
  ['-F', '--split', 'a', 'b', 'c'],
  ['--num-threads', '2', '--split', 'a', 'b', 'c'],
  ['--num-threads', '2', '-E', 'a', 'b'],
  ['--partial-dmesg', 'a', 'b'],
  ['--dry-run', '--dump-dmesg', 'a', 'b'],
  ['--message-level', '32', 'a', 'b'],
  ['--reassemble', 'a', 'b'],
  ['-R'],
  ['a'],
  ['a', 'b', 'c'],
  ['--no-such-option', 'a', 'b'],
];
for (const words of wrong) {
  t.test(`"${words.join(' ')}" is refused`, async (t) => {
    const { system, run } = await setUp(t);
    t.equal(run(...words), 1);
    t.match(system.printed.out, /Commandline parameter is invalid\./);
  });
}

for (const option of ['-x', '-i', '-g', '--eppic', '--config', '--diskset', '--extension', '--xen-syms']) {
  t.test(`${option} is refused by name`, async (t) => {
    const { system, run } = await setUp(t);
    t.equal(run(option, 'file', 'a', 'b'), 1);
    t.match(system.printed.out, `Cannot use ${option}`);
  });
}

t.test('--reassemble joins what --split wrote into the whole dump', async (t) => {
  const { system, source, out, run } = await setUp(t);
  const parts = [system.path('p1'), system.path('p2')];
  t.equal(run('-c', '-d', '31', source, out), 0);
  t.equal(run('-c', '-d', '31', '--split', source, ...parts), 0);
  t.match(system.printed.out, `The dumpfiles are saved to ${parts[0]}, and ${parts[1]}.`);
  t.equal(run('--reassemble', ...parts, system.path('joined')), 0);
  t.ok(readFileSync(system.path('joined')).equals(readFileSync(out)));
});

t.test('--help and --version answer with 0', async (t) => {
  const { system, run } = await setUp(t);
  t.equal(run('-h'), 0);
  t.match(system.printed.out, /Usage:/);
  t.equal(run('-v'), 0);
  t.match(system.printed.out, /makedumpfile: version \d/);
});
