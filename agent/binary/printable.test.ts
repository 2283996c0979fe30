import t from 'tap';
import { printable } from './printable.ts';

t.test('ordinary text stays as it is', async (t) => {
  t.equal(printable('vmcore-dmesg.txt – größer 🙂'), 'vmcore-dmesg.txt – größer 🙂');
});

t.test('what a terminal would obey becomes visible', async (t) => {
  t.equal(printable('a\x1b[2Jb'), 'a\\x1b[2Jb');
  t.equal(printable('line\nnext\r\ttab\x07'), 'line\\x0anext\\x0d\\x09tab\\x07');
  t.equal(printable('\u009b31m'), '\\x9b31m');
  t.equal(printable('safe\u202egpj.exe'), 'safe\\u{202e}gpj.exe');
  t.equal(printable('half \ud83d end'), 'half \\u{d83d} end');
});

t.test('no character below 0x20 and none that turns the direction survives', async (t) => {
  const all = String.fromCharCode(...Array.from({ length: 0x2100 }, (_, code) => code));
  // biome-ignore lint/suspicious/noControlCharactersInRegex: these must be gone
  t.notMatch(printable(all, 10_000), /[\u0000-\u001f\u007f-\u009f\u2028-\u202e\u2066-\u2069]/);
});

t.test('long text is cut', async (t) => {
  t.equal(printable('x'.repeat(30), 10), `${'x'.repeat(10)}…`);
});
