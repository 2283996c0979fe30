import { execFileSync, spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import t from 'tap';
import { createNodeSystem } from '../testing/node-system.ts';
import { buildSuperblock } from '../testing/build-superblock.ts';
import { parseLuksHeader } from './luks-header.ts';
import { isSignedModule, moduleInfo, readModuleFile } from './module-file.ts';

/** An ELF file of three sections: none, `.modinfo`, and their names. */
function buildModule(entries: readonly string[]): Uint8Array {
  const info = new TextEncoder().encode(entries.map((entry) => `${entry}\0`).join(''));
  const names = new TextEncoder().encode('\0.modinfo\0.shstrtab\0');
  const bytes = new Uint8Array(64 + info.length + names.length + 3 * 64);
  const view = new DataView(bytes.buffer);
  bytes.set([0x7f, 0x45, 0x4c, 0x46, 2, 1]);
  bytes.set(info, 64);
  bytes.set(names, 64 + info.length);
  const table = 64 + info.length + names.length;
  view.setBigUint64(40, BigInt(table), true);
  view.setUint16(58, 64, true);
  view.setUint16(60, 3, true);
  view.setUint16(62, 2, true);
  const section = (index: number, name: number, offset: number, size: number) => {
    view.setUint32(table + index * 64, name, true);
    view.setBigUint64(table + index * 64 + 24, BigInt(offset), true);
    view.setBigUint64(table + index * 64 + 32, BigInt(size), true);
  };
  section(1, 1, 64, info.length);
  section(2, 10, 64 + info.length, names.length);
  return bytes;
}

const module = buildModule(['license=GPL', 'firmware=a/b.fw', 'firmware=c.bin', 'depends=']);

t.test('a module tells which firmware it may want', (t) => {
  t.same(moduleInfo(module, 'firmware'), ['a/b.fw', 'c.bin']);
  t.same(moduleInfo(module, 'alias'), []);
  t.end();
});

t.test('damaged modules give an error of this room or nothing', (t) => {
  const judge = (bytes: Uint8Array, what: string) => {
    try {
      moduleInfo(bytes, 'firmware');
    } catch (error) {
      if (!/^(linux|binary)\//.test((error as { code?: string }).code ?? '')) t.fail(`${what}: ${error}`);
    }
  };
  for (let length = 0; length < module.length; length++) judge(module.slice(0, length), `cut at ${length}`);
  for (let offset = 0; offset < module.length; offset++) {
    for (const mask of [1 << (offset % 8), 0xff]) {
      const bytes = module.slice();
      bytes[offset] ^= mask;
      judge(bytes, `byte ${offset}`);
    }
  }
  t.end();
});

t.test('modules are read whatever they are compressed with', async (t) => {
  const system = await createNodeSystem();
  const folder = mkdtempSync(join(tmpdir(), 'kcapture-test-'));
  t.teardown(() => rmSync(folder, { recursive: true, force: true }));
  const path = join(folder, 'm.ko');
  writeFileSync(path, module);
  writeFileSync(`${path}.gz`, gzipSync(module));
  t.same(Buffer.from(readModuleFile(system, path)), Buffer.from(module));
  t.same(Buffer.from(readModuleFile(system, `${path}.gz`)), Buffer.from(module));
  for (const [program, words, suffix] of [
    ['xz', ['-k'], '.xz'],
    ['zstd', ['-q', '-k'], '.zst'],
  ] as const) {
    if (spawnSync(program, ['--version']).status !== 0) continue;
    execFileSync(program, [...words, path]);
    t.same(Buffer.from(readModuleFile(system, `${path}${suffix}`)), Buffer.from(module), suffix);
    writeFileSync(`${path}${suffix}`, readFileSync(`${path}${suffix}`).subarray(0, 20));
    t.throws(() => readModuleFile(system, `${path}${suffix}`), { code: 'linux/bad-module' }, `${suffix} cut short`);
  }
  writeFileSync(path, 'no module');
  t.throws(() => readModuleFile(system, path), { code: 'linux/bad-module' });
});

t.test('a signature stands at the very end', (t) => {
  const mark = new TextEncoder().encode('~Module signature appended~\n');
  t.ok(isSignedModule(new Uint8Array([...module, ...mark])));
  t.notOk(isSignedModule(new Uint8Array([...module, ...mark, 0])));
  t.notOk(isSignedModule(new Uint8Array(3)));
  t.end();
});

t.test('LUKS headers tell their ciphers and what their keys cost', (t) => {
  const uuid = 'eed897eb-f7f4-4b7a-ac04-6c11519e0799';
  const read = (bytes: Uint8Array) => parseLuksHeader((offset, length) => bytes.subarray(offset, offset + length));
  t.same(read(buildSuperblock('luks2', uuid)), {
    version: 2,
    ciphers: ['aes-xts-plain64'],
    hashes: ['sha256'],
    keyMemoryBytes: 1024 ** 3,
    hasIntegrity: false,
  });
  t.same(read(buildSuperblock('luks1', uuid)), {
    version: 1,
    ciphers: ['aes-xts-plain64'],
    hashes: ['sha256'],
    keyMemoryBytes: 0,
    hasIntegrity: false,
  });
  for (const kind of ['luks1', 'luks2'] as const) {
    const bytes = buildSuperblock(kind, uuid);
    for (let length = 0; length < 6000; length += 13) read(bytes.subarray(0, length));
    for (let offset = 0; offset < 4800; offset++) {
      bytes[offset] ^= 1 << (offset % 8);
      read(bytes);
      bytes[offset] ^= 1 << (offset % 8);
    }
  }
  t.end();
});
