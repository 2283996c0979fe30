import { truncateSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import t, { type Test } from 'tap';
import { KcaptureError } from '../errors.ts';
import { FlattenedSink } from '../format/flattened/flattened-sink.ts';
import { diskDumpHeader, statusFlags } from '../format/kdump/layout.ts';
import { type BuildDumpOptions, buildDump, buildUtsname } from '../testing/build-dump.ts';
import { buildLocklessLog, buildLogVmcore, type LogImage } from '../testing/build-log.ts';
import { buildMachine, type TestMachine } from '../testing/build-machine.ts';
import { buildZip } from '../testing/build-zip.ts';
import { openBytes } from '../testing/bytes-file.ts';
import { MemorySink } from '../testing/memory-sink.ts';
import { NodeZlibCodec } from '../testing/node-zlib-codec.ts';
import { createNodeSystem } from '../testing/node-system.ts';
import { makeFolder } from '../testing/other-tools.ts';
import { DUMP_ELF_INCOMPLETE, elfHeader } from '../vmcore/elf-layout.ts';
import { formatInspection } from './format-inspection.ts';
import { inspectFile, inspectMemory } from './inspect.ts';
import type { Inspection } from './inspection.ts';

const system = await createNodeSystem();
const folder = makeFolder(t.teardown);

const records = [
  'Linux version 6.1.0-test',
  'BUG: unable to handle page fault for address: ffffffffdeadbeef',
  'Oops: 0000 [#1] PREEMPT SMP NOPTI',
  'CPU: 0 PID: 7 Comm: evil\x1b[31m Not tainted 6.1.0-test #1',
  'RIP: 0010:broken+0x1/0x2',
  'Call Trace:',
  ' <TASK>',
  ' caller+0x3/0x4',
  ' </TASK>',
].map((text) => ({ text }));
const image = buildLocklessLog(records);
const machine = machineOf(image);
const elf = buildLogVmcore(image);

/** The machine whose memory is the image, with some zero pages behind it. */
function machineOf({ bytes, vmcoreinfo }: LogImage): TestMachine {
  const end = bytes.length / 4096;
  const built = buildMachine({ ranges: [{ start: 0, end: end + 4 }], vmcoreinfo, nrCpus: 2 });
  return { ...built, page: (pfn) => (pfn < end ? bytes.subarray(pfn * 4096, (pfn + 1) * 4096) : new Uint8Array(4096)) };
}

const zlib = new NodeZlibCodec();

function dumpOf(options: BuildDumpOptions = {}): Uint8Array {
  return buildDump(machine, {
    utsname: buildUtsname(),
    crashTime: 1_700_000_000,
    zeroPages: true,
    dumpLevel: 31,
    codecOf: (pfn) => (pfn % 2 === 0 ? zlib : undefined),
    ...options,
  });
}

function flatten(bytes: Uint8Array, options: { end?: boolean } = {}): Uint8Array {
  const stream = new MemorySink({ seekable: false });
  const sink = new FlattenedSink(stream);
  for (let at = 0; at < bytes.length; at += 3000) sink.write(at, bytes.subarray(at, at + 3000));
  if (options.end ?? true) sink.end();
  return stream.bytes;
}

function inspect(bytes: Uint8Array): Inspection {
  return inspectMemory(openBytes(bytes, '/var/crash/file'), system.openCodec);
}

function expectCrash(t: Test, inspection: Inspection): void {
  t.equal(inspection.panic?.line, 'BUG: unable to handle page fault for address: ffffffffdeadbeef');
  t.equal(inspection.panic?.instruction, 'RIP: 0010:broken+0x1/0x2');
  t.same(inspection.panic?.trace, ['caller+0x3/0x4']);
  t.match(inspection.kernel, { release: '6.1.0', crashTime: '2023-11-14T22:13:20Z' });
}

t.test('an ELF vmcore', async (t) => {
  const found = inspect(elf);
  t.match(found, { kind: 'elf', description: 'ELF vmcore', flattened: false, complete: true, machine: 'x86_64', pageSize: 4096, cpus: 1 });
  t.match(found.kernel, { release: '6.1.0', version: '#1 SMP', nodename: 'test' });
  t.same(found.pages, { existing: image.bytes.length / 4096, kept: image.bytes.length / 4096, excluded: 0, missing: 0 });
  t.same([found.problems, found.warnings], [[], []]);
  expectCrash(t, found);
});

t.test('a kdump-compressed dump', async (t) => {
  const found = inspect(dumpOf());
  const pages = machine.endPfn;
  t.match(found, { kind: 'kdump', description: 'kdump-compressed dump, version 6', complete: true, dumpLevel: 31, cpus: 2 });
  t.same(found.pages, { existing: pages, kept: pages, excluded: 0, missing: 0 });
  const { zlib = 0, raw = 0, sharedZero = 0, lost } = found.stored ?? {};
  t.ok(zlib > 0 && raw > 0 && sharedZero > 3);
  t.equal(zlib + raw + sharedZero, pages);
  t.equal(lost, 0);
  t.equal(found.kernel.nodename, 'test');
  expectCrash(t, found);
});

t.test('flattened ones', async (t) => {
  t.match(inspect(flatten(dumpOf())), {
    kind: 'kdump',
    flattened: true,
    complete: true,
    description: 'kdump-compressed dump, version 6, flattened',
  });
  const found = inspect(flatten(elf));
  t.match(found, { kind: 'elf', flattened: true, complete: true, description: 'ELF vmcore, flattened' });
  expectCrash(t, found);
  const cut = inspect(flatten(dumpOf(), { end: false }));
  t.match(cut, { complete: false, problems: ['the flattened stream is cut off: it has no end mark'] });
  expectCrash(t, cut);
});

t.test('a part of a split set', async (t) => {
  const found = inspect(dumpOf({ split: { startPfn: 0, endPfn: 8 } }));
  t.match(found, {
    description: 'kdump-compressed dump, version 6, part of a split set',
    split: { startPfn: 0, endPfn: 8 },
    complete: true,
  });
  t.same(found.pages, { existing: machine.endPfn, kept: 8, excluded: 0, missing: machine.endPfn - 8 });
  t.match(formatInspection(found), /Part +page frames 0 to 8\n/);
});

t.test('dumps that say they are incomplete', async (t) => {
  t.match(inspect(dumpOf({ status: statusFlags.incomplete })), { complete: false, problems: ['its writer marked it incomplete'] });
  const marked = elf.slice();
  new DataView(marked.buffer).setUint32(elfHeader.fields.flags[0], DUMP_ELF_INCOMPLETE, true);
  t.match(inspect(marked), { complete: false, problems: ['its writer marked it incomplete'] });
});

t.test('files that are cut off tell what is left', async (t) => {
  const cutElf = inspect(elf.subarray(0, elf.length - 4096 * 2));
  t.match(cutElf, { complete: false, problems: [`it is cut off: ${elf.length - 8192} bytes, expected ${elf.length}`] });
  t.equal(cutElf.pages?.missing, 2);
  t.equal(cutElf.kernel.release, '6.1.0');

  const dump = dumpOf();
  const cutDump = inspect(dump.subarray(0, dump.length - 4096));
  t.equal(cutDump.complete, false);
  t.match(cutDump.problems[0], /the file|ends|descriptor/);
  t.equal(cutDump.kernel.nodename, 'test');

  const headOnly = inspect(dump.subarray(0, 4096 * 2));
  t.match(headOnly, { complete: false, dumpLevel: 31, kernel: { release: '6.1.0', version: '#1 SMP', crashTime: '2023-11-14T22:13:20Z' } });
  t.match(headOnly.warnings, ['only the headers can be read']);
  const first = inspect(dump.subarray(0, diskDumpHeader.sizeBytes));
  t.match(first, { complete: false, machine: 'x86_64', kernel: { release: '6.1.0-test', nodename: 'test' } });
});

t.test('a dump without VMCOREINFO', async (t) => {
  const found = inspect(buildDump(buildMachine(), { utsname: buildUtsname() }));
  t.match(found, { complete: true, kernel: { release: '6.1.0-test' }, warnings: ['there is no VMCOREINFO: the log cannot be found'] });
  t.equal(found.panic, undefined);
});

t.test('files that are no dump are named', async (t) => {
  t.throws(() => inspect(Buffer.from('just some text')), {
    code: 'analyse/not-a-dump',
    message: /it is a text file, expected a vmcore or a dump/,
  });
  t.throws(() => inspect(Uint8Array.of(0x1f, 0x8b, 8)), { code: 'analyse/not-a-dump', message: /a gzip file/, hint: 'Unpack it first' });
  t.throws(() => inspect(flatten(flatten(elf))), { code: 'analyse/not-a-dump', message: /inside a flattened stream/ });
  await t.rejects(inspectFile(system, folder), { code: 'vmcore/open' });
});

t.test('a dump in a zip archive', async (t) => {
  const path = join(folder, 'case.zip');
  const dump = dumpOf();
  for (const method of ['stored', 'deflated'] as const) {
    const other = { name: 'older/vmcore', bytes: elf.subarray(0, 20_000), method };
    writeFileSync(path, buildZip([{ name: 'notes.txt', bytes: Buffer.from('hello') }, other, { name: 'vmcore', bytes: dump, method }]));
    const found = await inspectFile(system, path);
    t.match(found, { path: `${path}:vmcore`, kind: 'kdump', complete: true, archive: { path, member: { name: 'vmcore', method } } });
    t.same(
      found.archive?.others.map(({ name, isDump }) => [name, isDump]),
      [
        ['notes.txt', false],
        ['older/vmcore', true],
      ],
    );
    expectCrash(t, found);
    const text = formatInspection(found);
    t.match(text, /Member +vmcore /);
    t.match(text, /older\/vmcore .*a dump\n/);
  }
  writeFileSync(path, buildZip([{ name: 'notes.txt', bytes: Buffer.from('hello') }]));
  await t.rejects(inspectFile(system, path), { code: 'analyse/not-a-dump', message: /1 members?, expected one that is a dump/ });
  writeFileSync(path, buildZip([{ name: 'vmcore', bytes: dump, encrypted: true }]));
  await t.rejects(inspectFile(system, path), { code: 'analyse/not-a-dump', message: /encrypted/, hint: /password/ });
  writeFileSync(path, buildZip([{ name: 'vmcore', bytes: dump }]));
  await t.rejects(inspectFile(system, path, { maxUnpackedBytes: 1000 }), { code: 'vmcore/unsupported' });
  truncateSync(path, 1000);
  await t.rejects(inspectFile(system, path), { code: 'vmcore/bad-archive' });
});

t.test('the text for people', async (t) => {
  const text = formatInspection(inspect(dumpOf()));
  t.match(text, /^\/var\/crash\/file\nkdump-compressed dump, version 6, complete, /);
  t.match(text, /\n {2}Kernel +6\.1\.0 {2}x86_64\n/);
  t.match(text, /\n {2}Panic +BUG: unable to handle page fault/);
  t.match(text, /\n {2}Process +evil\\x1b\[31m, PID 7, CPU 0\n/);
  t.match(text, /\n {2}Dump level +31: without zero pages, page cache, private page cache, user data, free pages\n/);
  const hostile = { ...inspect(dumpOf()), path: '/tmp/\x1b]0;x\x07\u009b', kernel: { release: 'a\r\nb\x1b' } };
  t.notMatch(formatInspection(hostile), /[^\n\P{Cc}]/u, 'no control characters but line feeds');
  t.same(JSON.parse(JSON.stringify(hostile)).kernel, { release: 'a\r\nb\x1b' });
});

const files: { readonly [name: string]: Uint8Array } = {
  elf,
  dump: dumpOf(),
  'flattened dump': flatten(dumpOf()),
  'flattened elf': flatten(elf),
};

for (const [name, bytes] of Object.entries(files)) {
  t.test(`${name}: cut anywhere, it tells something or says why not`, async (t) => {
    let told = 0;
    for (let length = 1; length < bytes.length; length += length < 9000 ? 61 : 997)
      if (isTold(t, bytes.subarray(0, length), `${length}`)) told++;
    t.ok(told > 0);
  });

  t.test(`${name}: with any byte of its heads changed, it tells something or says why not`, async (t) => {
    let told = 0;
    for (let at = 0; at < Math.min(bytes.length, 16384); at += at < 600 || (at >= 4096 && at < 4300) ? 1 : 37) {
      for (const flip of [0xff, 0x01]) {
        const changed = bytes.slice();
        changed[at] ^= flip;
        if (isTold(t, changed, `${at} ^ ${flip}`)) told++;
      }
    }
    t.ok(told > 0);
  });
}

/** True when there is an inspection, false when there is an error of ours. */
function isTold(t: Test, bytes: Uint8Array, what: string): boolean {
  try {
    const found = inspect(bytes);
    formatInspection(found);
    if (found.problems.some((problem) => problem === '')) t.fail(what);
    return true;
  } catch (error) {
    if (!(error instanceof KcaptureError)) t.fail(`${what}: ${error instanceof Error ? error.stack : error}`);
    return false;
  }
}
