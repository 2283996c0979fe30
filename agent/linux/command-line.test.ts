/** Kernel command lines, word by word. */
import t from 'tap';
import { appendWords, findWords, formatCommandLine, lastValue, parseCommandLine, removeWords, sameName } from './command-line.ts';

t.test('parseCommandLine() splits at white space outside double quotes', async (t) => {
  t.same(parseCommandLine('  ro  root=UUID=1-2\tquiet\n'), [
    { text: 'ro', name: 'ro', value: undefined },
    { text: 'root=UUID=1-2', name: 'root', value: 'UUID=1-2' },
    { text: 'quiet', name: 'quiet', value: undefined },
  ]);
  t.same(parseCommandLine('a="b c" d'), [
    { text: 'a="b c"', name: 'a', value: 'b c' },
    { text: 'd', name: 'd', value: undefined },
  ]);
  t.same(parseCommandLine('"x.y=b c" d')[0], { text: '"x.y=b c"', name: 'x.y', value: 'b c' });
  t.same(
    parseCommandLine("a='b c'").map(({ text }) => text),
    ["a='b", "c'"],
    'single quotes mean nothing',
  );
  t.same(
    parseCommandLine('a="b c').map(({ value }) => value),
    ['b c'],
    'an open quote reaches to the end',
  );
  t.same(parseCommandLine('dyndbg="file a.c +p; file b.c +p" x').length, 2);
  t.same(parseCommandLine('a= =b'), [
    { text: 'a=', name: 'a', value: '' },
    { text: '=b', name: '=b', value: undefined },
  ]);
  t.same(parseCommandLine(''), []);
});

t.test('names are the same with - and _', async (t) => {
  t.ok(sameName('log-buf-len', 'log_buf_len'));
  const words = parseCommandLine('console=tty0 log-buf-len=1M console=ttyS0');
  t.equal(lastValue(words, 'log_buf_len'), '1M');
  t.equal(lastValue(words, 'console'), 'ttyS0');
  t.equal(lastValue(parseCommandLine('quiet'), 'quiet'), '');
  t.equal(lastValue(words, 'root'), undefined);
  t.equal(findWords(words, 'console').length, 2);
});

t.test('removeWords() takes out a name with any value, or one value only', async (t) => {
  const remove = (line: string, ...patterns: string[]) => formatCommandLine(removeWords(parseCommandLine(line), patterns));
  t.equal(remove('a b c', 'b'), 'a c');
  t.equal(remove('a b=x c', 'b'), 'a c');
  t.equal(remove('a b="x y" c', 'b'), 'a c');
  t.equal(remove('a b="x y" c', 'b=x'), 'a b="x y" c');
  t.equal(remove('a b="x y" c', 'b="x y"'), 'a c');
  t.equal(remove('console=tty0 console=hvc0', 'console=hvc0'), 'console=tty0');
  t.equal(remove('rd.lvm.lv=a rd.lvm=0', 'rd.lvm'), 'rd.lvm.lv=a', 'a name is a whole name');
});

t.test('appendWords() adds at the end', async (t) => {
  t.equal(formatCommandLine(appendWords(parseCommandLine('a b'), 'x="1 2"')), 'a b x="1 2"');
});
