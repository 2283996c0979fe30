/**
 * What proves to a server who we are, and to us who the server is: one folder a target, files of mode 0600, on the machine and in its images alike.
 */

export const credentialsRoot = '/etc/kcapture/targets';

/** Names in a target's folder. Every one may be missing. */
export const credentialFiles = {
  /** Private key for ssh, in OpenSSH's format, without a passphrase. */
  privateKey: 'id_ed25519',
  publicKey: 'id_ed25519.pub',
  /** Pinned host keys, in OpenSSH's format. */
  knownHosts: 'known_hosts',
  /** Certificates of the authorities that may sign the server's, PEM. Without it: those built into the executable. */
  authority: 'ca.pem',
  clientCertificate: 'client.pem',
  clientKey: 'client.key',
  /** JSON: a `Secret`. */
  secret: 'secret.json',
} as const;

export type Secret =
  | { readonly kind: 'basic'; readonly user: string; readonly password: string }
  | { readonly kind: 'bearer'; readonly token: string }
  | {
      readonly kind: 's3';
      readonly accessKeyId: string;
      readonly secretAccessKey: string;
      readonly sessionToken?: string;
      /** ISO 8601; of a session token. */
      readonly expiresAt?: string;
    };

/** Texts as they stand in the files. Never logged, never in an error. */
export type Credentials = {
  readonly privateKey: string | undefined;
  readonly knownHosts: string | undefined;
  readonly authority: string | undefined;
  readonly clientCertificate: string | undefined;
  readonly clientKey: string | undefined;
  readonly secret: Secret | undefined;
};
