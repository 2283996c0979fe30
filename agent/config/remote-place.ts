/** A place on a server that takes dumps, as a URL names it. No secrets: those are kept apart (`credentials.ts`). */

export type SshPlace = {
  readonly kind: 'ssh';
  readonly user: string;
  /** A name, or an address without brackets. */
  readonly host: string;
  readonly port: number;
  /** Folder for dumps: absolute, or `~/…` for one in the user's home. `undefined`: the configuration's `path`. */
  readonly path: string | undefined;
};

export type HttpPlace = {
  readonly kind: 'http';
  readonly secure: boolean;
  readonly host: string;
  readonly port: number;
  /** Of the folder for dumps, absolute, percent-encoded as in the URL, no slash at its end but `/` itself. */
  readonly path: string;
};

export type S3Place = {
  readonly kind: 's3';
  readonly bucket: string;
  /** No slash at either end; empty for the bucket itself. */
  readonly prefix: string;
  /** `https://HOST[:PORT]`, without the bucket. */
  readonly endpoint: string;
  readonly region: string;
  /** `path`: `ENDPOINT/BUCKET/KEY`. `virtual`: `BUCKET.ENDPOINT/KEY`. */
  readonly style: 'path' | 'virtual';
};

export type RemotePlace = SshPlace | HttpPlace | S3Place;
