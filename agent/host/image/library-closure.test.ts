import { execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import t from 'tap';
import { createNodeSystem } from '../../testing/node-system.ts';
import { createRootedSystem, putTree } from '../../testing/rooted-system.ts';
import { readElfNeeds } from './elf-needs.ts';
import { collectLibraries } from './library-closure.ts';

t.test('the libraries of a real program are those ldd finds', async (t) => {
  const program = process.execPath;
  const listing = execFileSync('ldd', [program], { encoding: 'utf8' });
  const wanted = [...listing.matchAll(/(?:=> )?(\/\S+) \(0x/g)].map((match) => match[1].split('/').pop());
  const found = collectLibraries(await createNodeSystem(), [program]).map(({ destination }) => destination.split('/').pop());
  t.same(new Set(found), new Set(wanted));
});

t.test('scripts and texts need nothing', async (t) => {
  const root = t.testdir({});
  putTree(root, { '/bin/script': '#!/bin/sh\n', '/bin/empty': '' });
  t.same(collectLibraries(await createRootedSystem(root), ['/bin/script', '/bin/empty']), []);
});

t.test('a library that is missing is named with the program that needs it', async (t) => {
  const root = t.testdir({});
  putTree(root, { '/bin/node': readFileSync(process.execPath) });
  const system = await createRootedSystem(root);
  t.throws(() => collectLibraries(system, ['/bin/node']), { code: 'image/no-library', message: /"\/bin\/node"/ });
});

t.test('libraries found by ld.so.conf are put beside the C library', async (t) => {
  const root = t.testdir({});
  const libraries = collectLibraries(await createNodeSystem(), [process.execPath]);
  const tree: Record<string, string | Uint8Array> = {
    '/bin/node': readFileSync(process.execPath),
    '/etc/ld.so.conf': '# comment\ninclude ld.so.conf.d/*.conf\n',
    '/etc/ld.so.conf.d/x.conf': '/opt/strange\n',
  };
  for (const { source } of libraries) {
    const name = source.split('/').pop() as string;
    const folder = name.startsWith('ld-') ? source.slice(0, source.lastIndexOf('/')) : name.startsWith('libc.') ? '/lib64' : '/opt/strange';
    tree[`${folder}/${name}`] = readFileSync(source);
  }
  putTree(root, tree);
  const placed = collectLibraries(await createRootedSystem(root), ['/bin/node']).filter(({ source }) => source.startsWith('/opt/strange'));
  t.ok(placed.length > 0);
  t.ok(
    placed.every(({ destination }) => destination.startsWith('/lib64/')),
    'where every loader looks',
  );
});

t.test('damaged ELF files tell something or nothing, and never throw', (t) => {
  const bytes = new Uint8Array(readFileSync('/bin/sh'));
  const whole = readElfNeeds(bytes);
  t.ok(whole?.interpreter !== undefined || whole?.libraries.length === 0);
  for (let length = 0; length < Math.min(bytes.length, 4096); length += 7) readElfNeeds(bytes.subarray(0, length));
  for (let offset = 0; offset < 1024; offset++) {
    const kept = bytes[offset];
    for (const mask of [1 << (offset % 8), 0xff]) {
      bytes[offset] = kept ^ mask;
      readElfNeeds(bytes);
    }
    bytes[offset] = kept;
  }
  t.end();
});
