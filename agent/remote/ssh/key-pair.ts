/**
 * A key pair for a target, as OpenSSH stores it: what `ssh-keygen -t ed25519` makes, without a passphrase.
 *
 * @source OpenSSH PROTOCOL.key; RFC 8032 (Ed25519), RFC 8709 (its use in ssh)
 */
import { generateKeyPairSync, randomBytes } from 'node:crypto';

export type KeyPair = {
  /** Content of the private key's file. Secret. */
  readonly privateKey: string;
  /** One line for authorized_keys, with its line end. */
  readonly publicKey: string;
};

const kind = 'ssh-ed25519';
const magic = 'openssh-key-v1\0';
/** Of a cipher, where there is none. */
const blockBytes = 8;
const lineLength = 70;

/** @param comment one line; it stands behind the key, for people. */
export function makeKeyPair(comment: string): KeyPair {
  const note = comment.replace(/[\s\0]+/g, ' ').trim();
  const { x, d } = generateKeyPairSync('ed25519').privateKey.export({ format: 'jwk' });
  const point = Buffer.from(x ?? '', 'base64url');
  const seed = Buffer.from(d ?? '', 'base64url');
  if (point.length !== 32 || seed.length !== 32)
    throw new RangeError(`Cannot make a key pair: ${point.length} and ${seed.length} bytes, expected 32`);
  const publicBlob = Buffer.concat([field(kind), field(point)]);
  return {
    privateKey: formatPrivate(publicBlob, point, seed, note),
    publicKey: `${kind} ${publicBlob.toString('base64')} ${note}`.trim().concat('\n'),
  };
}

function formatPrivate(publicBlob: Buffer, point: Buffer, seed: Buffer, comment: string): string {
  const check = randomBytes(4);
  const secret = Buffer.concat([check, check, publicBlob, field(Buffer.concat([seed, point])), field(comment)]);
  const padding = Buffer.from(Array.from({ length: (blockBytes - (secret.length % blockBytes)) % blockBytes }, (_, index) => index + 1));
  const count = Buffer.from([0, 0, 0, 1]);
  const [cipher, derivation, parameters] = [field('none'), field('none'), field('')];
  const whole = Buffer.concat([
    Buffer.from(magic),
    cipher,
    derivation,
    parameters,
    count,
    field(publicBlob),
    field(Buffer.concat([secret, padding])),
  ]);
  const lines = whole.toString('base64').match(new RegExp(`.{1,${lineLength}}`, 'g')) ?? [];
  return ['-----BEGIN OPENSSH PRIVATE KEY-----', ...lines, '-----END OPENSSH PRIVATE KEY-----', ''].join('\n');
}

/** Length in four bytes, the highest first, then the bytes. @source RFC 4251 §5 */
function field(content: string | Buffer): Buffer {
  const bytes = Buffer.from(content);
  const length = Buffer.alloc(4);
  length.writeUInt32BE(bytes.length);
  return Buffer.concat([length, bytes]);
}
