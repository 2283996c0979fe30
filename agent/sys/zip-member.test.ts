import { readdirSync, readlinkSync, truncateSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { crc32 } from 'node:zlib';
import t from 'tap';
import { KcaptureError } from '../errors.ts';
import { buildElfCore, buildMachine } from '../testing/build-machine.ts';
import { buildZip, type ZipContent } from '../testing/build-zip.ts';
import { makeFolder, runPython } from '../testing/other-tools.ts';
import type { DumpArchive } from '../vmcore/dump-archive.ts';
import type { MemoryFile } from '../vmcore/memory-file.ts';
import { openPreadFile } from './pread-file.ts';
import { openZipArchive } from './zip-member.ts';

const folder = makeFolder(t.teardown);
const core = buildElfCore(buildMachine({ ranges: [{ start: 1, end: 300 }] }));
let number = 0;

function archiveOf(bytes: Uint8Array): Promise<DumpArchive> {
  const path = join(folder, `${number++}.zip`);
  writeFileSync(path, bytes);
  return openZipArchive(path, openPreadFile);
}

function allOf(file: MemoryFile): Buffer {
  const bytes = Buffer.alloc(file.sizeBytes);
  file.read(0, bytes);
  return bytes;
}

function openDescriptors(): readonly string[] {
  const names = readdirSync('/proc/self/fd').map((fd) => {
    try {
      return readlinkSync(`/proc/self/fd/${fd}`);
    } catch {
      return '';
    }
  });
  return names.filter((name) => name.startsWith(folder) || name.includes('kcapture-'));
}

const shapes: { readonly [name: string]: Partial<ZipContent> } = {
  stored: { method: 'stored' },
  deflated: {},
  'deflated and streamed': { streamed: true },
  'stored and streamed': { method: 'stored', streamed: true },
};

for (const [name, shape] of Object.entries(shapes)) {
  for (const zip64 of [false, true]) {
    t.test(`a dump ${name}${zip64 ? ', zip64' : ''}, is read at random`, async (t) => {
      const notes = { name: 'readme.txt', bytes: Buffer.from('see vmcore') };
      const archive = await archiveOf(buildZip([notes, { name: 'crash/vmcore', bytes: core, ...shape }], { zip64 }));
      t.same(
        archive.members.map(({ name, isDump, sizeBytes }) => [name, isDump, sizeBytes]),
        [
          ['readme.txt', false, 10],
          ['crash/vmcore', true, core.length],
        ],
      );
      const seen: number[] = [];
      const file = await archive.open(archive.members[1], { onProgress: (done) => seen.push(done) });
      archive.close();
      t.ok(allOf(file).equals(core), 'all bytes, after the archive was closed');
      t.equal(file.sizeBytes, core.length);
      t.match(file.path, /\.zip:crash\/vmcore$/);
      t.equal(seen.at(-1), core.length);
      const window = file.openWindow(8192);
      for (const offset of [core.length - 4096, 0, 4096, 12345]) {
        const at = window.locate(offset, 4096);
        t.ok(Buffer.from(window.bytes.subarray(at, at + 4096)).equals(core.subarray(offset, offset + 4096)), `window at ${offset}`);
      }
      t.throws(() => file.read(core.length - 1, new Uint8Array(2)), { code: 'vmcore/short-read' });
      t.throws(() => window.locate(core.length - 1, 2), { code: 'vmcore/short-read' });
      window.close();
      file.close();
      t.same(openDescriptors(), [], 'nothing stays open');
    });
  }
}

t.test('an archive made by Python is read', async (t) => {
  const path = join(folder, 'python.zip');
  const program = `
import sys, zipfile
data = sys.stdin.buffer.read()
with zipfile.ZipFile(sys.argv[1], 'w') as z:
    z.comment = b'a comment'
    z.writestr(zipfile.ZipInfo('../../etc/vmcore'), data, zipfile.ZIP_DEFLATED)
    with z.open(zipfile.ZipInfo('stored'), 'w', force_zip64=True) as member:
        member.write(data)
    z.mkdir('folder') if hasattr(z, 'mkdir') else None
`;
  runPython(program, [path], core);
  const archive = await openZipArchive(path, openPreadFile);
  t.same(
    archive.members.map(({ name, method, isDump }) => [name, method, isDump]),
    [
      ['../../etc/vmcore', 'deflated', true],
      ['stored', 'stored', true],
    ],
  );
  for (const member of archive.members) {
    const file = await archive.open(member);
    t.ok(allOf(file).equals(core), member.name);
    file.close();
  }
  archive.close();
});

const lies: { readonly [name: string]: { content: Partial<ZipContent>; code: string; message: RegExp } } = {
  'a wrong checksum, stored': { content: { method: 'stored', crc: 1 }, code: 'vmcore/bad-archive', message: /checksum .*expected 1/ },
  'a wrong checksum, deflated': { content: { crc: 1 }, code: 'vmcore/bad-archive', message: /checksum/ },
  'a smaller size than it has': { content: { sizeBytes: 4096 }, code: 'vmcore/bad-archive', message: /more than the 4096 bytes it claims/ },
  'a larger size than it has': { content: { sizeBytes: core.length + 1 }, code: 'vmcore/bad-archive', message: /it ends after/ },
  'a size beyond all reason': { content: { sizeBytes: 0xfffffff0 }, code: 'vmcore/bad-archive', message: /cannot hold/ },
  'a stored size that differs': { content: { method: 'stored', sizeBytes: 4096 }, code: 'vmcore/bad-archive', message: /expected 4096/ },
  encryption: { content: { encrypted: true }, code: 'vmcore/unsupported', message: /encrypted/ },
  'another method': { content: { methodNumber: 14 }, code: 'vmcore/unsupported', message: /other than deflate/ },
  'deflate that is none': { content: { method: 'stored', methodNumber: 8 }, code: 'vmcore/bad-archive', message: /Cannot unpack/ },
};

for (const [name, { content, code, message }] of Object.entries(lies)) {
  t.test(`a member with ${name} is refused`, async (t) => {
    const archive = await archiveOf(buildZip([{ name: 'vmcore', bytes: core, ...content }]));
    await t.rejects(archive.open(archive.members[0]), { code, message });
    archive.close();
    t.same(openDescriptors(), [], 'nothing stays open');
  });
}

t.test('a member larger than the limit is not unpacked', async (t) => {
  const archive = await archiveOf(buildZip([{ name: 'bomb', bytes: new Uint8Array(8 * 1024 * 1024) }]));
  await t.rejects(archive.open(archive.members[0], { maxUnpackedBytes: 1024 * 1024 }), {
    code: 'vmcore/unsupported',
    message: /unpacks to 8388608/,
  });
  archive.close();
});

t.test('files that are no zip are refused', async (t) => {
  await t.rejects(archiveOf(Buffer.from('PK\x03\x04 and nothing more')), { code: 'vmcore/bad-archive' });
  await t.rejects(archiveOf(core), { code: 'vmcore/bad-archive', message: /no end record/ });
  await t.rejects(openZipArchive(folder, openPreadFile), { code: 'vmcore/open' });
  await t.rejects(openZipArchive(join(folder, 'missing.zip'), openPreadFile), { code: 'vmcore/open' });
  const empty = await archiveOf(buildZip([]));
  t.same(empty.members, []);
  empty.close();
  t.same(openDescriptors(), []);
});

t.test('an archive cut anywhere, or with any byte changed, gives its dump or an error', async (t) => {
  const small = core.subarray(0, 600);
  for (const method of ['stored', 'deflated'] as const) {
    for (const zip64 of [false, true]) {
      const zip = buildZip([{ name: 'vmcore', bytes: small, method }], { zip64 });
      const path = join(folder, 'changed.zip');
      writeFileSync(path, zip);
      for (let length = zip.length - 1; length >= 0; length--) {
        truncateSync(path, length);
        if (await readsWell(path, crc32(small))) t.fail(`cut at ${length}, it came out whole`);
      }
      let good = 0;
      for (let at = 0; at < zip.length; at++) {
        const changed = zip.slice();
        changed[at] ^= 0xff;
        writeFileSync(path, changed);
        if (await readsWell(path, crc32(small))) good++;
      }
      t.ok(good < zip.length / 2, `${good} of ${zip.length} bytes do not matter`);
    }
  }
  t.same(openDescriptors(), []);
});

/** True when the dump comes out whole, false after a proper error; anything else is thrown. */
async function readsWell(path: string, crc: number): Promise<boolean> {
  try {
    const archive = await openZipArchive(path, openPreadFile);
    try {
      const file = await archive.open(archive.members[0] ?? { name: 'none' });
      const found = crc32(allOf(file));
      file.close();
      if (found !== crc) throw new Error('Damaged data came out');
      return true;
    } finally {
      archive.close();
    }
  } catch (error) {
    if (error instanceof KcaptureError) return false;
    throw error;
  }
}
