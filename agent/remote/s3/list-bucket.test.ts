import t from 'tap';
import type { HttpAnswer } from '../../sys/network-interface.ts';
import { listObjects, listUploads } from './list-bucket.ts';
import type { S3Access } from './s3-access.ts';

/** A store that answers every page alike and says that there is more. */
function endless(page: string): { readonly access: S3Access; readonly asked: () => number } {
  let asked = 0;
  const body = new TextEncoder().encode(page);
  const ask = async <T>(_: unknown, read: (answer: HttpAnswer) => T) => {
    asked++;
    return read({ status: 200, headers: {}, body });
  };
  return { access: { ask } as unknown as S3Access, asked: () => asked };
}

function objectPage(keys: readonly string[]): string {
  const contents = keys.map((key) => `<Contents><Key>${key}</Key><Size>1</Size></Contents>`).join('');
  return `<ListBucketResult><IsTruncated>true</IsTruncated><NextContinuationToken>more</NextContinuationToken>${contents}</ListBucketResult>`;
}

t.test('a list without end is cut where enough has come', async (t) => {
  const { access, asked } = endless(objectPage(['a/1', 'a/2']));
  const { objects, isCut } = await listObjects(access, { prefix: 'a/', most: 10 });
  t.equal(objects.length, 10);
  t.equal(isCut, true);
  t.equal(asked(), 5);
});

t.test('a store that goes on with what was not asked for comes to an end', async (t) => {
  const { access, asked } = endless(objectPage(['elsewhere']));
  t.same(await listObjects(access, { prefix: 'a/', most: 10 }), { objects: [], folders: [], isCut: true });
  t.equal(asked(), 10);
});

t.test('a store that goes on with nothing comes to an end', async (t) => {
  const { access, asked } = endless(objectPage([]));
  t.same(await listObjects(access, { prefix: 'a/', most: 10 }), { objects: [], folders: [], isCut: false });
  t.equal(asked(), 1);
});

t.test('uploads of others without end come to an end', async (t) => {
  const { access, asked } = endless(
    `<ListMultipartUploadsResult><IsTruncated>true</IsTruncated><NextKeyMarker>k</NextKeyMarker><NextUploadIdMarker>u</NextUploadIdMarker>
      <Upload><Key>elsewhere</Key><UploadId>1</UploadId></Upload></ListMultipartUploadsResult>`,
  );
  t.same(await listUploads(access, 'a/', 10), []);
  t.equal(asked(), 10);
});
