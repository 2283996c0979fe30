import t, { type Test } from 'tap';
import { encodeText } from '../binary/text.ts';
import { buildNote, buildNotes } from '../testing/build-vmcore.ts';
import { countCpus, findVmcoreinfo, pageSizeOf, vmcoreinfoText, walkNotes } from './notes.ts';

const text = 'OSRELEASE=6.1.0\nPAGESIZE=4096\n';

t.test('notes of odd lengths are padded to four bytes', (t) => {
  const parts = [
    buildNote('CORE', 1, new Uint8Array(7)),
    buildNote('A', 9, new Uint8Array(0)),
    buildNote('VMCOREINFO', 0, encodeText(text)),
  ];
  const notes = Uint8Array.from(Buffer.concat(parts));
  t.same(
    [...walkNotes(notes)].map(({ name, type, descriptorBytes }) => [name, type, descriptorBytes]),
    [
      ['CORE', 1, 7],
      ['A', 9, 0],
      ['VMCOREINFO', 0, text.length],
    ],
  );
  const found = findVmcoreinfo(notes)!;
  t.equal(Buffer.from(notes.subarray(found.offset, found.offset + found.sizeBytes)).toString(), text);
  t.end();
});

t.test('a last note without its padding is read', (t) => {
  const notes = buildNote('VMCOREINFO', 0, encodeText('A=1'));
  t.equal(vmcoreinfoText(notes.subarray(0, notes.length - 1)), 'A=1');
  t.end();
});

t.test('only PRSTATUS notes of CORE are CPUs', (t) => {
  const notes = buildNotes({ cpus: 3, vmcoreinfo: text });
  const others = [buildNote('LINUX', 1, new Uint8Array(4)), buildNote('CORE', 2, new Uint8Array(4))];
  t.equal(countCpus(Uint8Array.from(Buffer.concat([notes, ...others]))), 3);
  t.end();
});

t.test('an empty VMCOREINFO note is passed over', (t) => {
  const notes = Buffer.concat([buildNote('VMCOREINFO', 0, new Uint8Array(0)), buildNote('VMCOREINFO', 0, encodeText(text))]);
  t.equal(vmcoreinfoText(Uint8Array.from(notes)), text);
  t.equal(vmcoreinfoText(new Uint8Array(0)), '');
  t.end();
});

t.test('notes cut at every length, and with every bit flipped, end the walk and never leave the array', (t) => {
  const notes = buildNotes({ cpus: 2, vmcoreinfo: text });
  for (let length = 0; length <= notes.length; length++) check(t, notes.subarray(0, length));
  for (let at = 0; at < notes.length; at++) {
    for (let bit = 0; bit < 8; bit++) {
      const flipped = notes.slice();
      flipped[at] ^= 1 << bit;
      check(t, flipped);
    }
  }
  t.pass('all ended');
  t.end();
});

function check(t: Test, notes: Uint8Array): void {
  const found = [...walkNotes(notes)];
  if (found.some(({ descriptorOffset, descriptorBytes }) => descriptorOffset + descriptorBytes > notes.length)) t.fail('outside the array');
  if (countCpus(notes) > 2 || vmcoreinfoText(notes).length > notes.length) t.fail('more than there is');
}

t.test('pageSizeOf() takes powers of two from 4096 to 65536', (t) => {
  for (const size of [4096, 8192, 16384, 32768, 65536]) t.equal(pageSizeOf(`A=1\nPAGESIZE=${size}\n`, 1), size);
  for (const wrong of ['PAGESIZE=4097', 'PAGESIZE=2048', 'PAGESIZE=131072', 'PAGESIZE=-4096', 'XPAGESIZE=4096', 'PAGESIZE=']) {
    t.equal(pageSizeOf(wrong, 4096), 4096, wrong);
    t.equal(pageSizeOf(wrong, 1), 1, wrong);
  }
  t.end();
});
