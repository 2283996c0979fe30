import t from 'tap';
import { ConfigError } from './config-error.ts';
import { formatDuration, formatSize, parseDuration, parseSize } from './quantity.ts';

const sizes: [text: string, bytes: number][] = [
  ['0', 0],
  ['1K', 1024],
  ['64M', 67108864],
  ['64MiB', 67108864],
  ['64m', 67108864],
  ['1.5G', 1610612736],
  ['0.1K', 0],
  ['20GiB', 21474836480],
  ['1T', 1099511627776],
];

for (const [text, bytes] of sizes) {
  t.test(`${text} is ${bytes} bytes`, async (t) => {
    t.equal(parseSize(text), bytes);
    t.equal(parseSize(formatSize(bytes)), bytes);
  });
}

t.test('a size without a unit, with a decimal unit, or absurd is none', async (t) => {
  for (const text of ['', '64', 'M', '64MB', '64 M', '-1M', '1e3M', '0x40M', 'NaN', '1.M', '.5M', '9999T', '1P', '64Mi']) {
    t.throws(() => parseSize(text), ConfigError, text);
  }
});

const durations: [text: string, seconds: number][] = [
  ['0', 0],
  ['90', 90],
  ['90s', 90],
  ['30m', 1800],
  ['2h', 7200],
  ['7d', 604800],
  ['2w', 1209600],
];

for (const [text, seconds] of durations) {
  t.test(`${text} is ${seconds} seconds`, async (t) => {
    t.equal(parseDuration(text, 1e9), seconds);
    t.equal(parseDuration(formatDuration(seconds), 1e9), seconds);
  });
}

t.test('a duration that is none, or longer than may be', async (t) => {
  for (const text of ['', 'm', '1.5h', '-1s', '1 h', '1M', '1y', '1e3', '9999999999'])
    t.throws(() => parseDuration(text, 1e9), ConfigError, text);
  t.throws(() => parseDuration('61m', 3600), { message: /at most 1h/ });
  t.equal(parseDuration('60m', 3600), 3600);
});
