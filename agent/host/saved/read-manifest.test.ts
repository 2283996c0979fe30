import t from 'tap';
import { KcaptureError } from '../../errors.ts';
import { buildManifest } from '../../testing/build-manifest.ts';
import { readManifest } from './read-manifest.ts';

const good = buildManifest({
  files: [{ name: 'vmcore', sizeBytes: 5, sha256: 'a'.repeat(64), complete: true }],
  failedTargets: [{ target: 'nfs', why: 'unsupported' }],
  lost: ['something'],
});
const text = JSON.stringify(good);

t.test('a manifest is read as it was written', async (t) => {
  t.strictSame(JSON.parse(JSON.stringify(readManifest(text))), JSON.parse(text));
});

t.test('a manifest cut at any length is an error and no crash', async (t) => {
  let refused = 0;
  for (let length = 0; length < text.length; length++) if (isRefused(text.slice(0, length))) refused++;
  t.equal(refused, text.length);
});

function isRefused(manifest: string): boolean {
  try {
    readManifest(manifest);
    return false;
  } catch (error) {
    if (error instanceof KcaptureError && error.message.startsWith('Cannot read ')) return true;
    throw error;
  }
}

t.test('every field replaced by another kind of value is named or taken as absent', async (t) => {
  let refused = 0;
  for (const field of Object.keys(JSON.parse(text))) {
    for (const value of [undefined, null, 5, 'text', true, [], {}, [5], -1, 1e300]) {
      if (isRefused(JSON.stringify({ ...good, [field]: value }))) refused++;
    }
  }
  t.ok(refused > 100);
});

const hostile: [what: string, change: object, says: RegExp][] = [
  ['a newer version', { version: 2 }, /"version".* 2, expected 1/],
  ['a file name that leads out of the folder', { files: [{ ...good.files[0], name: '../../etc/shadow' }] }, /"name"/],
  ['a checksum that is none', { files: [{ ...good.files[0], sha256: '\x1b[2J' }] }, /"sha256"/],
  ['a size below 0', { files: [{ ...good.files[0], sizeBytes: -1 }] }, /"sizeBytes"/],
  ['too many files', { files: Array(1001).fill(good.files[0]) }, /1001 entries/],
  ['a time that is none', { startedAt: 'yesterday' }, /"startedAt"/],
  ['a field of the prototype', JSON.parse('{"dump":{"__proto__":{"complete":true}}}'), /"dump"/],
];
for (const [what, change, says] of hostile) {
  t.test(`${what} is refused`, async (t) => {
    t.throws(() => readManifest(JSON.stringify({ ...good, ...change })), { message: says });
  });
}
