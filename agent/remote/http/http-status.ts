/**
 * What a server's answer means for a dump, and what can be done about it.
 *
 * Only the status is told, never the text of the answer: a server may repeat our own headers in it, secrets and all.
 *
 * @source RFC 9110 §15, RFC 4918 §11
 */
import { printable } from '../../binary/printable.ts';
import type { HttpAnswer } from '../../sys/network-interface.ts';
import { RemoteError } from '../remote-store.ts';

type Meaning = readonly [code: string, found: string, hint: string];

const meanings: Readonly<Record<number, Meaning>> = {
  401: ['remote/auth', 'the server does not know who we are', 'Give the right user and password, or token: kcapture target add URL'],
  403: ['remote/forbidden', 'the server forbids it', 'Let this user create and replace files there'],
  404: ['remote/missing', 'there is no such folder', 'Make the folder on the server, or mend the path in the URL'],
  405: ['remote/unsupported', 'the server does not allow the method', 'Let the server take PUT and DELETE there'],
  408: ['remote/broken', 'the server has waited too long for us', 'Raise the limit for the body of a request on the server'],
  409: ['remote/missing', 'a folder above is missing', 'Make the folder on the server, or let it make folders by itself'],
  411: ['remote/unsupported', 'the server wants to know the length beforehand', 'Let the server take bodies in chunks (HTTP/1.1)'],
  413: ['remote/too-large', 'it is more than the server takes', 'Raise the limit for the body of a request on the server'],
  417: ['remote/unsupported', 'the server does not know "expect: 100-continue"', 'Let the server take requests of HTTP/1.1'],
  429: ['remote/server', 'the server has too many requests', 'Give this machine more room on the server'],
  500: ['remote/server', 'the server fails', "Look into the server's log; its disk may be full"],
  501: ['remote/unsupported', 'the server does not know the method', 'Let the server take PUT and DELETE there'],
  503: ['remote/server', 'the server is overloaded or being maintained', 'Wait until the server is ready'],
  507: ['remote/no-space', 'there is no space left on the server', 'Make room on the server'],
};

/** @param what as it follows "Cannot". @param where a URL without secrets. */
export function statusError(answer: HttpAnswer, what: string, where: string): RemoteError {
  const { status } = answer;
  if (status >= 300 && status < 400) return redirectError(answer, what, where);
  const [code, found, hint] = meaningOf(answer);
  return new RemoteError(code, `Cannot ${what} at ${where}: ${found} (status ${status})`, { where, hint });
}

function meaningOf({ status, body }: HttpAnswer): Meaning {
  // How nginx says it. The text is looked at, not told.
  if (status === 400 && /SSL certificate/i.test(Buffer.from(body).toString('latin1')))
    return [
      'remote/auth',
      'the server does not accept our certificate',
      'Give a client certificate that the server knows: kcapture target add URL',
    ];
  const known = meanings[status];
  if (known !== undefined) return known;
  if (status >= 500) return ['remote/server', 'the server fails', "Look into the server's log"];
  return ['remote/unsupported', 'the server does not accept it', "Look into the server's log"];
}

/** The query of a location may be a signature: it is not told. */
function redirectError({ status, headers }: HttpAnswer, what: string, where: string): RemoteError {
  const location = headers.location ?? '';
  const to = URL.canParse(location, where) ? new URL(location, where) : undefined;
  const isSameHost = to?.host === new URL(where).host;
  const target = to === undefined ? 'to nowhere' : `to ${printable(`${to.protocol}//${to.host}${to.pathname}`, 200)}`;
  return new RemoteError(
    'remote/redirect',
    `Cannot ${what} at ${where}: the server sends us ${target}, ${isSameHost ? 'on the same host' : 'another host'} (status ${status})`,
    { where, hint: 'Nothing is sent where it was not meant to go: give the URL of the right place' },
  );
}

export function isSuccess({ status }: HttpAnswer): boolean {
  return status >= 200 && status < 300;
}
