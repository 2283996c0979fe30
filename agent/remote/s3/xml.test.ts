import t from 'tap';
import { makePattern } from '../../testing/pattern.ts';
import { childrenOf, escapeXml, readXml, textOf, XmlError } from './xml.ts';

const good = `<?xml version="1.0" encoding="UTF-8"?>
<!-- a listing -->
<a:ListBucketResult xmlns:a="http://s3.amazonaws.com/doc/2006-03-01/" y='1'>
  <IsTruncated>false</IsTruncated><Empty/><Contents><Key>a &amp; b&#x20;&#99;</Key></Contents><Contents><Key> ü </Key></Contents>
</a:ListBucketResult>
`;
const encode = (text: string) => new TextEncoder().encode(text);

t.test('elements, texts and entities are read', async (t) => {
  const root = readXml(encode(good));
  t.equal(root.name, 'ListBucketResult');
  t.equal(textOf(root, 'IsTruncated'), 'false');
  t.equal(textOf(root, 'Empty'), '');
  t.equal(textOf(root, 'Missing'), undefined);
  t.same(
    childrenOf(root, 'Contents').map((entry) => textOf(entry, 'Key')),
    ['a & b c', 'ü'],
  );
});

t.test('text that is escaped comes back', async (t) => {
  const text = `<a href="b">'&amp;'\r\n</a>`;
  t.equal(textOf(readXml(encode(`<r><t>${escapeXml(text)}</t></r>`)), 't'), text);
});

t.test('what is odd is refused', async (t) => {
  for (const text of [
    '',
    'words',
    '<a>',
    '</a>',
    '<a></b>',
    '<a/><b/>',
    '<a/>words',
    '<a><b></a></b>',
    '<a>&b;</a>',
    '<a>&constructor;</a>',
    '<a>&amp</a>',
    '<a>&#xd800;</a>',
    '<a>&#x110000;</a>',
    '<a>&#;</a>',
    '<a b=c/>',
    '<a <b/>',
    '<!DOCTYPE a [<!ENTITY b "c">]><a>&b;</a>',
    '<a><![CDATA[b]]></a>',
    '<a>'.repeat(100) + '</a>'.repeat(100),
    `<a>${'<b/>'.repeat(30_000)}</a>`,
  ]) {
    t.throws(() => readXml(encode(text)), { code: 'xml/bad' }, text.slice(0, 40));
  }
  t.throws(() => readXml(new Uint8Array([0x3c, 0xff, 0xfe])), { code: 'xml/bad' });
});

t.test('cut at every length, or with a bit flipped, it is read or refused', async (t) => {
  const bytes = encode(good);
  const end = bytes.lastIndexOf(0x3e);
  for (let length = 0; length < end; length++) t.throws(() => readXml(bytes.subarray(0, length)), XmlError);
  for (let bit = 0; bit < bytes.length * 8; bit++) {
    const flipped = bytes.slice();
    flipped[bit >> 3] ^= 1 << (bit & 7);
    try {
      readXml(flipped);
    } catch (error) {
      if (!(error instanceof XmlError)) t.fail(`bit ${bit}: ${error}`);
    }
  }
  t.throws(() => readXml(makePattern(100_000)), XmlError);
});
