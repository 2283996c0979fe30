/** Key pairs for ssh: a new one, and the public half of one that is there. ssh2 is loaded when one is asked for. */
import type { ParsedKey } from 'ssh2';

export type KeyPair = {
  /** In OpenSSH's format, without a passphrase. */
  readonly privateKey: string;
  /** One line, `ssh-ed25519 AAAA… COMMENT`. */
  readonly publicKey: string;
};

/** A new pair of kind ed25519. @param comment at the end of the public key, without line breaks. */
export async function createKeyPair(comment: string): Promise<KeyPair> {
  const { utils } = (await import('ssh2')).default;
  const pair = utils.generateKeyPairSync('ed25519', { comment });
  return { privateKey: withNewline(pair.private), publicKey: pair.public.trim() };
}

/** `ssh-ed25519 AAAA…`; `undefined` for a text that is no private key, or one with a passphrase. */
export async function publicKeyOf(privateKey: string): Promise<string | undefined> {
  const { utils } = (await import('ssh2')).default;
  const parsed: ParsedKey | readonly ParsedKey[] | Error = utils.parseKey(privateKey);
  if (parsed instanceof Error) return undefined;
  const key = Array.isArray(parsed) ? (parsed[0] as ParsedKey | undefined) : (parsed as ParsedKey);
  return key?.isPrivateKey() ? `${key.type} ${key.getPublicSSH().toString('base64')}` : undefined;
}

function withNewline(text: string): string {
  return text.endsWith('\n') ? text : `${text}\n`;
}
