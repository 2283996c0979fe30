/** What is in a folder of a server that knows PROPFIND. @source RFC 4918 §9.1, §14 */
import { RemoteError } from '../remote-store.ts';
import { childrenOf, readXml, textOf, type XmlElement, XmlError } from '../s3/xml.ts';
import type { HttpLink } from './http-link.ts';

export type WebEntry = { readonly name: string; readonly isFolder: boolean; readonly sizeBytes: number };

const question = `<?xml version="1.0" encoding="utf-8"?>
<propfind xmlns="DAV:"><prop><resourcetype/><getcontentlength/></prop></propfind>
`;

/** @returns `undefined`: the server does not list. @throws RemoteError */
export async function listFolder(link: HttpLink, url: string): Promise<readonly WebEntry[] | undefined> {
  const ask = {
    method: 'PROPFIND',
    url: `${url.replace(/\/$/, '')}/`,
    headers: { depth: '1', 'content-type': 'application/xml; charset=utf-8' },
    body: Buffer.from(question),
    mostAnswerBytes: 4 * 2 ** 20,
  } as const;
  const answer = await link.ask('list a folder', ask, [400, 403, 404, 405, 409, 411, 413, 415, 501]);
  if (answer.status !== 207) return undefined;
  try {
    return readListing(answer.body, ask.url);
  } catch (cause) {
    if (!(cause instanceof XmlError)) throw cause;
    throw new RemoteError('remote/unsupported', `Cannot list ${url}: the server's list makes no sense`, { where: url, cause });
  }
}

/** @param url of the folder, which is in the list itself. @throws XmlError */
export function readListing(xml: Uint8Array, url: string): readonly WebEntry[] {
  const own = pathOf('', url);
  const entries: WebEntry[] = [];
  for (const response of childrenOf(readXml(xml), 'response')) {
    const path = pathOf(textOf(response, 'href') ?? '', url);
    const name = path?.startsWith(`${own}/`) ? path.slice(own?.length).slice(1) : '';
    if (name === '' || name.includes('/')) continue;
    const properties = propertiesOf(response);
    const length = properties.map((each) => textOf(each, 'getcontentlength')).find((text) => text !== undefined) ?? '';
    const isFolder = properties.some((each) => childrenOf(each, 'resourcetype').some((type) => childrenOf(type, 'collection').length > 0));
    entries.push({ name, isFolder, sizeBytes: /^\d{1,15}$/.test(length) ? Number(length) : 0 });
  }
  return entries;
}

/** Those that the server has. */
function propertiesOf(response: XmlElement): readonly XmlElement[] {
  return childrenOf(response, 'propstat')
    .filter((each) => / 200( |$)/.test(textOf(each, 'status') ?? ''))
    .flatMap((each) => childrenOf(each, 'prop'));
}

/** Decoded, without a slash at its end; `undefined`: elsewhere. */
function pathOf(href: string, base: string): string | undefined {
  if (!URL.canParse(href, base)) return undefined;
  const { pathname } = new URL(href, base);
  try {
    return decodeURIComponent(pathname).replace(/\/$/, '');
  } catch {
    return undefined;
  }
}
