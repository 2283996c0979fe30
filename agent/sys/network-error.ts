/** What goes wrong between us and a server, as codes; no text of ours holds a secret. */
import { isIP } from 'node:net';
import { printable } from '../binary/printable.ts';
import { KcaptureError } from '../errors.ts';
import { codeOf, reasonOf } from './errno.ts';
import type { NetworkErrorCode } from './network-interface.ts';

export class NetworkError extends KcaptureError {
  declare readonly code: NetworkErrorCode;

  constructor(code: NetworkErrorCode, message: string, details: { where?: string; hint?: string; cause?: unknown } = {}) {
    super(code, message, details);
  }
}

const connectReasons: Readonly<Record<string, string>> = {
  ECONNREFUSED: 'the connection is refused',
  EHOSTUNREACH: 'there is no way to the host',
  ENETUNREACH: 'there is no way to its network',
  EADDRNOTAVAIL: 'we have no address that leads there',
  ETIMEDOUT: 'there is no answer',
};

/** By the names OpenSSL gives its verdicts. @source openssl/x509_vfy.h, as Node spells them */
const certificateReasons: Readonly<Record<string, readonly [reason: string, hint: string]>> = {
  CERT_HAS_EXPIRED: ['it has expired', 'Renew the certificate of the server, or set the clock of this machine'],
  CERT_NOT_YET_VALID: ['it is not valid yet', 'Set the clock of this machine'],
  ERR_TLS_CERT_ALTNAME_INVALID: ['it is for another name', 'Use the name that stands in the certificate'],
  CERT_REVOKED: ['it has been revoked', 'Give the server a new certificate'],
};
const unknownAuthority = [
  'it comes from an authority that is not trusted',
  "Give the authority's certificate when the target is added",
] as const;
const untrusted =
  /SELF_SIGNED|UNABLE_TO_|CERT_UNTRUSTED|CERT_REJECTED|INVALID_CA|INVALID_PURPOSE|CERT_CHAIN_TOO_LONG|CERT_SIGNATURE_FAILURE|PATH_LENGTH/;
/** Alerts with which a server refuses what we show. @source RFC 8446 §6.2 */
const refusesOurs =
  /alert (certificate (required|unknown|expired|revoked)|bad certificate|unknown ca|unsupported certificate|access denied)/i;
const refusesOursCode = /ALERT_(CERTIFICATE_|BAD_CERTIFICATE|UNKNOWN_CA|UNSUPPORTED_CERTIFICATE|ACCESS_DENIED)/;

/** `host port 443`, for messages. */
export function peerName(host: string, port: number | string): string {
  return `${printable(host, 253)} port ${port}`;
}

/** Of a connection that did not come about. */
export function connectError(peer: string, cause: unknown): NetworkError {
  return (
    tlsError(peer, cause) ??
    new NetworkError('network/unreachable', `Cannot reach ${peer}: ${connectReasons[codeOf(cause)] ?? said(cause)}`, { cause })
  );
}

/** Of a connection that was there. */
export function brokenError(peer: string, cause: unknown): NetworkError {
  const code = codeOf(cause);
  const tls = tlsError(peer, cause);
  if (tls !== undefined) return tls;
  if (code === 'HPE_HEADER_OVERFLOW' || code === 'ERR_HTTP_HEADERS_OVERFLOW')
    return new NetworkError('network/limit', `Cannot read the answer of ${peer}: its headers are too long`, { cause });
  if (code.startsWith('HPE_'))
    return new NetworkError('network/protocol', `Cannot read the answer of ${peer}: it is not HTTP (${said(cause)})`, { cause });
  return new NetworkError('network/broken', `Cannot go on with ${peer}: the connection broke (${said(cause)})`, { cause });
}

function tlsError(peer: string, cause: unknown): NetworkError | undefined {
  const code = codeOf(cause);
  const known = certificateReasons[code] ?? (untrusted.test(code) ? unknownAuthority : undefined);
  if (known !== undefined)
    return new NetworkError('network/certificate', `Cannot trust the certificate of ${peer}: ${known[0]} (${code})`, {
      hint: known[1],
      cause,
    });
  if (refusesOursCode.test(code) || refusesOurs.test(said(cause)))
    return new NetworkError('network/auth', `Cannot open a connection to ${peer}: it refuses our certificate (${said(cause)})`, {
      hint: 'Give a client certificate that the server knows, with its key',
      cause,
    });
  if (!/^(ERR_SSL_|ERR_TLS_|ERR_OSSL|EPROTO)/.test(code)) return undefined;
  return new NetworkError('network/protocol', `Cannot talk TLS with ${peer}: ${said(cause)}`, { cause });
}

function said(cause: unknown): string {
  return printable(reasonOf(cause), 200);
}

/** An address in brackets is one, too. */
export function isNumeric(host: string): boolean {
  return isIP(host.replace(/^\[|\]$/g, '')) !== 0;
}
