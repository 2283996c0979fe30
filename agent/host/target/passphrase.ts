/**
 * Does a private key for ssh need a passphrase?
 *
 * @source OpenSSH, PROTOCOL.key; RFC 7468
 */
import { decodeText } from '../../binary/text.ts';

const magic = 'openssh-key-v1\0';

/** False also for a text that is no key: whoever uses it will say so. */
export function isPassphraseNeeded(key: string): boolean {
  if (/^-----BEGIN ENCRYPTED |^Proc-Type: 4,ENCRYPTED/m.test(key)) return true;
  const body = /-----BEGIN OPENSSH PRIVATE KEY-----([\sA-Za-z0-9+/=]*)-----END/.exec(key)?.[1];
  if (body === undefined) return false;
  const bytes = Buffer.from(body, 'base64');
  if (bytes.length < magic.length + 4 || bytes.toString('latin1', 0, magic.length) !== magic) return false;
  const length = bytes.readUInt32BE(magic.length);
  const start = magic.length + 4;
  if (length > 64 || start + length > bytes.length) return false;
  return decodeText(bytes.subarray(start, start + length)) !== 'none';
}
