import { readdirSync, readFileSync } from 'node:fs';
import t from 'tap';
import { keys } from './keys.ts';

t.test('no key stands twice in the table', (t) => {
  const names = keys.map(({ kind, name }) => `${kind} ${name}`);
  t.same(names, [...new Set(names)]);
  t.end();
});

t.test('every key that is read by name stands in the table', (t) => {
  const known = new Set(keys.map(({ name }) => name));
  const reading =
    /(?:\binfo\.(?:plain|symbol|size|offset|length|number|smallNumber)\(|\b(?:need[A-Z]\w*|numberWithin)\((?:\w+\.)?info, )'([^']+)'/g;
  let found = 0;
  const files = readdirSync('agent', { recursive: true, encoding: 'utf8' });
  for (const path of files.filter((path) => path.endsWith('.ts') && !/\.test\.ts$|^testing/.test(path))) {
    for (const [, name] of readFileSync(`agent/${path}`, 'utf8').matchAll(reading)) {
      found++;
      if (!known.has(name)) t.fail(`${path} reads ${name}`);
    }
  }
  t.ok(found > 30, `${found} readings`);
  t.end();
});
