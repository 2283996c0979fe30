import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import t, { type Test } from 'tap';
import { KcaptureError } from '../errors.ts';
import { arm64Cases, buildPaging, mark, openPaging, type PagingCase, x86Cases } from '../testing/build-paging.ts';
import { openBytes } from '../testing/bytes-file.ts';
import { makeFolder, runPython } from '../testing/other-tools.ts';
import { openElfMemory } from '../vmcore/open-elf.ts';
import { parseVmcoreinfo } from '../vmcoreinfo/parse.ts';
import { openTranslator } from './open-translator.ts';
import type { Translator } from './translator.ts';
import { VirtualMemory } from './virtual-memory.ts';

const cases = [...x86Cases.map((paging) => ['x86_64', paging] as const), ...arm64Cases.map((paging) => ['aarch64', paging] as const)];

/** drgn 0.0.22 knows neither encrypted memory nor LPA2 kernels. */
const drgnCannot = /encrypted|LPA2|^(4|16) KiB, built for 52/;
const drgnProgram = `
import sys, drgn
program = drgn.Program()
program.set_core_dump(sys.argv[1])
for address in sys.argv[2:]:
    print(program.read(int(address), 8).hex())
`;

for (const [machine, paging] of cases) {
  t.test(`${machine}, ${paging.name}: mapped addresses lead where the tables say, others nowhere`, (t) => {
    const memory = openPaging(paging);
    checkMappings(t, paging, openTranslator(memory, parseVmcoreinfo(memory.vmcoreinfoText)));
    t.end();
  });
}

function checkMappings(t: Test, paging: PagingCase, translator: Translator): void {
  const pageSize = paging.format.machine === 'x86_64' ? 4096 : paging.format.pageSize;
  for (const { virtual, physical, bytes, blockBytes = pageSize } of paging.mappings) {
    for (const offset of [0, 1, 4095, 4096, blockBytes - 1, blockBytes, bytes / 2 + 8, bytes - 1].filter((at) => at < bytes)) {
      const wanted = { physical: physical + offset, contiguousBytes: blockBytes - (offset % blockBytes) };
      t.same(translator.translate(virtual + BigInt(offset)), wanted, `${virtual.toString(16)} + ${offset}`);
    }
    for (const outside of [virtual - 1n, virtual + BigInt(bytes)]) {
      t.equal(translator.translate(outside), undefined, `${outside.toString(16)} is not mapped`);
    }
  }
  for (const user of [0n, 0x1000n, 0x7fff_ffff_f000n, 1n << 63n, 1n << 64n]) t.equal(translator.translate(user), undefined);
}

t.test('drgn reads the same bytes', (t) => {
  const folder = makeFolder((clean) => t.teardown(clean));
  for (const [machine, paging] of cases.filter(([, { name }]) => !drgnCannot.test(name))) {
    const path = join(folder, 'vmcore');
    writeFileSync(path, buildPaging(paging));
    const reads = paging.mappings.flatMap(({ virtual, physical, bytes }) => [
      [virtual + 5n, physical + 5],
      [virtual + BigInt(bytes - 9), physical + bytes - 9],
    ]) as [bigint, number][];
    const answer = runPython(drgnProgram, [path, ...reads.map(([virtual]) => virtual.toString())])
      .toString()
      .trim()
      .split('\n');
    const wanted = reads.map(([, physical]) => Buffer.from(Array.from({ length: 8 }, (_, i) => mark(physical + i))).toString('hex'));
    t.same(answer, wanted, `${machine}, ${paging.name}: drgn`);
    const memory = openPaging(paging);
    const virtual = new VirtualMemory(memory, openTranslator(memory, parseVmcoreinfo(memory.vmcoreinfoText)));
    const ours = reads.map(([address]) => {
      const bytes = new Uint8Array(8);
      virtual.read(address, bytes);
      return Buffer.from(bytes).toString('hex');
    });
    t.same(ours, wanted, `${machine}, ${paging.name}: ours`);
  }
  t.end();
});

t.test('page tables with any entry changed give another address, a hole or an error of ours', (t) => {
  for (const [, paging] of [cases[0], cases[6], cases[12], cases[16]]) {
    const good = buildPaging(paging);
    const { fileOffset, fileBytes } = openElfMemory(openBytes(good)).loadSegments.find(
      ({ physicalAddress, memoryBytes }) => paging.root >= physicalAddress && paging.root < physicalAddress + memoryBytes,
    )!;
    for (let at = fileOffset; at < fileOffset + fileBytes; at++) {
      if (good[at] === 0) continue;
      for (const value of [0, 0xff, good[at] ^ 1, good[at] ^ 0x80]) {
        const file = good.slice();
        file[at] = value;
        tryMappings(t, file, paging);
      }
    }
  }
  t.pass('all ended');
  t.end();
});

t.test('VMCOREINFO with any byte changed gives translations or an error of ours', (t) => {
  for (const [, paging] of [cases[0], cases[7], cases[14]]) {
    const good = buildPaging(paging);
    const start = Buffer.from(good).indexOf('OSRELEASE=');
    const end = good.indexOf(0, start);
    for (let at = start; at < end; at++) {
      for (const value of [0, 0x0a, 0x2d, 0x30, 0x39, 0x66, 0xff]) {
        const file = good.slice();
        file[at] = value;
        tryMappings(t, file, paging);
      }
    }
  }
  t.pass('all ended');
  t.end();
});

function tryMappings(t: Test, file: Uint8Array, paging: PagingCase): void {
  try {
    const memory = openElfMemory(openBytes(file));
    const translator = openTranslator(memory, parseVmcoreinfo(memory.vmcoreinfoText));
    const virtual = new VirtualMemory(memory, translator);
    const limit = 2 ** 52;
    for (const { virtual: address } of paging.mappings) {
      const found = translator.translate(address);
      if (found !== undefined && !(found.physical >= 0 && found.physical < limit && found.contiguousBytes > 0)) t.fail(`${found.physical}`);
      virtual.read(address, new Uint8Array(16));
    }
  } catch (error) {
    if (!(error instanceof KcaptureError)) t.fail(`${(error as Error).stack}`);
  }
}
