/** From a name to numeric addresses, within a limit. */
import { lookup } from 'node:dns/promises';
import { printable } from '../binary/printable.ts';
import { codeOf, reasonOf } from './errno.ts';
import { isNumeric, NetworkError } from './network-error.ts';
import { within } from './within.ts';

/** More than a name can sensibly have. */
const mostAddresses = 16;

/** @throws NetworkError `network/name` */
export async function resolveName(host: string, timeoutMs: number): Promise<readonly string[]> {
  if (isNumeric(host)) return [host.replace(/^\[|\]$/g, '')];
  const fail = (reason: string, cause?: unknown) =>
    new NetworkError('network/name', `Cannot find the address of ${printable(host, 253)}: ${reason}`, {
      hint: 'Look at the name and at the name servers',
      cause,
    });
  const found = await within(timeoutMs, lookup(host, { all: true, verbatim: true }), () => fail(`no answer within ${timeoutMs} ms`)).catch(
    (cause) => {
      if (cause instanceof NetworkError) throw cause;
      throw fail(codeOf(cause) === 'ENOTFOUND' ? 'there is no such name' : printable(reasonOf(cause), 200), cause);
    },
  );
  const addresses = [...new Set(found.map(({ address }) => address))].slice(0, mostAddresses);
  if (addresses.length === 0) throw fail('it has none');
  return addresses;
}
