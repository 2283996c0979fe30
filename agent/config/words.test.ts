import { isDeepStrictEqual } from 'node:util';
import t from 'tap';
import { Random } from '../testing/fuzz.ts';
import { readStatements, writeValue } from './grammar.ts';
import { nearestWord } from './nearest-word.ts';
import { joinWords, splitWords } from './words.ts';

const splits: [value: string, words: string[]][] = [
  ['', []],
  ['a  b\tc ', ['a', 'b', 'c']],
  ['"a b" \'c d\' e\\ f', ['a b', 'c d', 'e f']],
  ['--x="a b"c', ['--x=a bc']],
  ['"" \'\' x', ['', '', 'x']],
  ['"it\'s" \'a"b\'', ["it's", 'a"b']],
  ['a\\"b', ['a"b']],
];

for (const [value, words] of splits) {
  t.test(`${JSON.stringify(value)} are ${words.length} words`, async (t) => {
    t.same(splitWords(value), words);
    t.same(splitWords(joinWords(words)), words);
  });
}

t.test('a quote that is not closed is an error, and so is a backslash at the end', async (t) => {
  for (const value of ['"a', "a 'b", 'a\\']) t.throws(() => splitWords(value), { code: 'config/value' }, value);
});

t.test('words that are joined are read from a line as they were', async (t) => {
  const letters = ['a', 'b', ' ', '"', "'", '\\', '#', '='];
  for (let seed = 0; seed < 3000; seed++) {
    const random = new Random(seed);
    const words = Array.from({ length: 1 + random.below(3) }, () =>
      Array.from({ length: random.below(6) }, () => random.pick(letters)).join(''),
    );
    const [statement] = readStatements(`name ${joinWords(words)}  # comment`).statements;
    for (const value of [statement.written, statement.value]) {
      if (!isDeepStrictEqual(splitWords(value), words)) t.same(splitWords(value), words, JSON.stringify(words));
    }
  }
});

t.test('a value is written so that it is read as it is, or not at all', async (t) => {
  for (const value of ['plain', 'a # b', '"a # b" c', '"a" "b"', "'a b'", 'a#b', "it's # b", 'say "x" # y']) {
    const written = writeValue(value);
    t.equal(readStatements(`x ${written}`).statements[0].value, value);
  }
  t.equal(writeValue(`it's # "`), undefined);
});

t.test('a line is a name, a value and a comment', async (t) => {
  const { statements, problems } = readStatements('\ufeff# x\r\n  a  b c # d\r\n\r\ne "f # g"\nh#i\nj k#l\n\tm\t"n"\t#\n');
  t.same(
    statements.map(({ line, name, value }) => [line, name, value]),
    [
      [2, 'a', 'b c'],
      [4, 'e', 'f # g'],
      [5, 'h', ''],
      [6, 'j', 'k'],
      [7, 'm', 'n'],
    ],
  );
  t.match(problems, [{ line: 6, severity: 'warning', message: /middle of a word/ }]);
});

t.test('lines that are no text are left out', async (t) => {
  const { statements, problems } = readStatements(`a b\u0000\nc d\ne ${'x'.repeat(9000)}\n`);
  t.same(
    statements.map(({ name }) => name),
    ['c'],
  );
  t.match(problems, [
    { line: 1, severity: 'error', message: /control characters/ },
    { line: 3, severity: 'error', message: /9002 characters/ },
  ]);
});

t.test('the nearest word is the one with the fewest slips, if there are few', async (t) => {
  const known = ['path', 'nfs', 'final_action', 'failure_action', 'kdump_pre', 'kdump_post'];
  const cases: [string, string | undefined][] = [
    ['path', 'path'],
    ['pth', 'path'],
    ['paht', 'path'],
    ['PATH', 'path'],
    ['final_actoin', 'final_action'],
    ['failureaction', 'failure_action'],
    ['kdump-post', 'kdump_post'],
    ['nfs4', 'nfs'],
    ['something', undefined],
    ['', undefined],
    ['x'.repeat(5000), undefined],
  ];
  for (const [word, meant] of cases) t.equal(nearestWord(word, known), meant, word.slice(0, 20));
});
