import t from 'tap';
import { buildEntries, buildRun } from './built-entries.ts';
import { comparisons } from './comparisons.ts';
import { type BenchResult, mergeResults, writeDocument } from './document.ts';
import { type Entry, rowsOfEntries } from './entries.ts';
import { row } from './table.ts';

const entries = [...buildEntries(31), ...buildEntries(0)];

t.test('the document says where ours is ahead and where it is behind', async (t) => {
  const text = writeDocument(resultOf(entries), {});
  t.match(text, /^- Time, `-d 31`, one worker each: \*\*ahead\*\* with `-z` \(0\.50\).*\.$/m);
  t.match(text, /^- Size, `-d 31`: \*\*behind\*\* with `-z` \(1\.05\)/m);
  t.match(text, /^- Peak memory, `-d 0`, one worker each: level with `-z` \(1\.00\)/m);
  const slower = entries.map((entry) => (entry.program === 'kcapture' ? { ...entry, run: buildRun(9, 9) } : entry));
  t.match(writeDocument(resultOf(slower), {}), /^- Time, `-d 31`, one worker each: \*\*behind\*\* with `-z` \(2\.25\)/m);
});

t.test('targets that were missed are marked', async (t) => {
  const lines = linesOf(writeDocument(resultOf(entries), {}));
  t.ok(lines.includes('| -z -d 31 | wall | <= 0.60 | 0.50 | yes |'));
  t.ok(lines.includes('| -z --level 1 -d 31 | size | <= 1.00 | 1.05 | **no** |'));
});

t.test('every line of a table has as many cells as its head', async (t) => {
  const sizes = [{ name: 'small.vmcore', vmcoreBytes: 2 ** 30, entries: buildEntries().slice(0, 3) }];
  const text = writeDocument({ ...resultOf(entries), sizes }, keptResults());
  const tables = text.split(/\n(?!\|)/).filter((part) => part.includes('\n|'));
  t.ok(tables.length >= 8);
  for (const table of tables) {
    const counts = table
      .split('\n')
      .filter((line) => line.startsWith('|'))
      .map((line) => line.split(/(?<!\\)\|/).length);
    t.equal(new Set(counts).size, 1, table.split('\n')[1]);
  }
});

t.test('what was stopped is given as a bound', async (t) => {
  const stopped = entries.map((entry) =>
    entry.program === 'makedumpfile' && entry.workers === 2 ? { ...entry, run: undefined, limitSeconds: 400 } : entry,
  );
  const line = linesOf(writeDocument(resultOf(stopped), {})).find((words) => words.startsWith('| -z ×2 |'));
  t.match(line, '| -z ×2 | 1.00 s | > 400.00 s | < 0.00 | 1.10 s |');
});

t.test('what was measured at another time is there with its date, and its section only then', async (t) => {
  const without = writeDocument(resultOf(entries), {});
  t.notMatch(without, 'capture kernel\n');
  t.notMatch(without, '## Simulated machines');
  const text = writeDocument(resultOf(entries), keptResults());
  t.match(text, '## Inside the capture kernel');
  t.match(text, 'Measured 2030-01-02 with Linux 6.1, `crashkernel=192M`');
  t.match(text, 'A machine with 6144 MiB, 300 pages kept:');
  t.match(text, '--capture-kernel --memory 6144,2048 --runs 3');
  const lines = linesOf(text);
  t.ok(lines.includes('| capture kernel, -z -d 31 | wall | <= 1.00 | 0.90 | yes |'));
  t.ok(lines.includes('| simulated 64 GiB | filter, ns a page | <= 8.00 | 7.15 | yes |'));
});

t.test('parts make the document of the whole', async (t) => {
  const parts = [31, 0].map((level) => resultOf(entries.filter((entry) => entry.level === level)));
  const merged = mergeResults(parts);
  t.strictSame(merged.entries, entries);
  t.equal(merged.rows.filter(({ contender }) => contender === 'dmesg').length, 1);
  t.equal(writeDocument({ ...merged, commands: parts[0].commands }, {}), writeDocument({ ...resultOf(entries), rows: merged.rows }, {}));
  t.throws(() => mergeResults([parts[0], { ...parts[1], ours: 'another build' }]), /another build/);
  t.throws(() => mergeResults([]), RangeError);
});

t.test('a result that went through JSON makes the same document', async (t) => {
  const result = resultOf(entries);
  t.equal(writeDocument(JSON.parse(JSON.stringify(result)), {}), writeDocument(result, {}));
});

function resultOf(measured: readonly Entry[]): BenchResult {
  return {
    ours: 'kcapture 0.1.0 (x64, bun 1)',
    theirs: 'makedumpfile: version 1',
    commands: ['npm run bench -- --document'],
    vmcore: 'large.vmcore',
    vmcoreOrigin: 'made for a test',
    output: 'the disk',
    vmcoreBytes: 6 * 2 ** 30,
    cpus: '0,1',
    surroundings: {
      date: '2030-01-01T10:11:12.000Z',
      processor: 'some processor',
      cpus: 2,
      memoryBytes: 24 * 2 ** 30,
      kernel: '6.1',
      load: 0.1,
      zstd: { ours: '1.5.7', theirs: '1.5.6' },
    },
    entries: measured,
    sizes: [],
    warnings: [],
    rows: [
      ...comparisons.flatMap((comparison) => [31, 0].flatMap((level) => rowsOfEntries(measured, comparison, level))),
      row({ contender: 'dmesg', figure: 'wall', unit: 's' }, 0.08, 0.06),
      row({ contender: 'tiny dump', figure: 'wall', unit: 's' }, 0.07, 0.01),
    ],
  };
}

function keptResults() {
  const captureKernel = {
    date: '2030-01-02T00:00:00.000Z',
    ours: 'kcapture 0.1.0',
    theirs: 'makedumpfile: version 1',
    kernel: '6.1',
    qemu: 'QEMU emulator version 7',
    crashkernel: '192M',
    runs: 3,
    guests: [
      { memoryMiB: 6144, pages: 300, rows: [row({ level: 31, contender: '-z', figure: 'wall', unit: 's' }, 9, 10, 1)] },
      { memoryMiB: 2048, pages: 100, rows: [row({ level: 31, contender: '-z', figure: 'wall', unit: 's' }, 6, 5)] },
    ],
  };
  const machine = { memoryBytes: 64 * 2 ** 30, pageBytes: 4096, keptPages: 10, filterSeconds: 0.12, wallSeconds: 0.3, peakBytes: 50e6 };
  return { captureKernel, simulated: { date: '2030-01-03', ours: 'kcapture 0.1.0', command: 'some command', machines: [machine] } };
}

/** With single spaces. */
function linesOf(text: string): readonly string[] {
  return text.split('\n').map((line) => line.replaceAll(/ +/g, ' '));
}
