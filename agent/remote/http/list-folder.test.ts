import t from 'tap';
import { XmlError } from '../s3/xml.ts';
import { readListing } from './list-folder.ts';

const url = 'https://dumps.example/crash/h-2026-11-21-08%3A00%3A00/';

function response(href: string, properties: string, status = 'HTTP/1.1 200 OK'): string {
  return `<D:response><D:href>${href}</D:href><D:propstat><D:prop>${properties}</D:prop><D:status>${status}</D:status></D:propstat></D:response>`;
}

const folder = '<D:resourcetype><D:collection/></D:resourcetype>';
const size = (bytes: number | string) => `<D:getcontentlength>${bytes}</D:getcontentlength><D:resourcetype/>`;
const listing = `<?xml version="1.0" encoding="utf-8" ?>
<D:multistatus xmlns:D="DAV:">
${response('/crash/h-2026-11-21-08:00:00/', folder)}
${response('/crash/h-2026-11-21-08%3A00%3A00/vmcore.flat', size(9))}
${response('https://dumps.example/crash/h-2026-11-21-08:00:00/a%20b', size('many'))}
${response('/crash/h-2026-11-21-08:00:00/sub/', folder)}
${response('/crash/h-2026-11-21-08:00:00/sub/below', size(1))}
${response('/crash/elsewhere', size(1))}
${response('/crash/h-2026-11-21-08:00:00/../../up', size(1))}
${response('/crash/h-2026-11-21-08:00:00/%ff', size(1))}
</D:multistatus>`;

t.test('what is in a folder, and nothing else', (t) => {
  t.same(readListing(Buffer.from(listing), url), [
    { name: 'vmcore.flat', isFolder: false, sizeBytes: 9 },
    { name: 'a b', isFolder: false, sizeBytes: 0 },
    { name: 'sub', isFolder: true, sizeBytes: 0 },
  ]);
  t.end();
});

t.test('the top of a server is a folder, too', (t) => {
  const top = `<multistatus>${response('/', folder)}${response('/one', folder)}</multistatus>`;
  t.same(readListing(Buffer.from(top), 'https://dumps.example/'), [{ name: 'one', isFolder: true, sizeBytes: 0 }]);
  t.end();
});

t.test('a list cut at any length, or with a byte flipped, is an error or a list', (t) => {
  const bytes = Buffer.from(listing);
  for (let length = 0; length < bytes.length; length++) t.throws(() => readListing(bytes.subarray(0, length), url), XmlError);
  for (let at = 0; at < bytes.length; at++) {
    const damaged = Buffer.from(bytes);
    damaged[at] ^= 1 << (at % 8);
    try {
      for (const { name } of readListing(damaged, url)) t.notOk(name.includes('/') || name === '');
    } catch (error) {
      t.ok(error instanceof XmlError);
    }
  }
  t.end();
});
