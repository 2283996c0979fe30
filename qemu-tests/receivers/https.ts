/** nginx as a WebDAV server behind TLS, with a password; its certificate is by an authority that the guest is told of. */
import { copyFileSync, readFileSync } from 'node:fs';
import { basename, join } from 'node:path';
import { createAuthority } from '../../agent/testing/servers/authority.ts';
import { startNginx } from '../../agent/testing/servers/nginx.ts';
import { filesBelow } from './files-below.ts';
import { hostName, type Receiver } from './receiver.ts';

const login = { user: 'crash', password: 'Kn1ght-errant-of-La-Mancha' } as const;

export type HttpsReceiver = Receiver & {
  /** From now on the server shows a certificate that was valid in the year 2020. */
  readonly letExpire: () => Promise<void>;
};

/** @param folder is there already. */
export async function receiveByHttps(folder: string): Promise<HttpsReceiver> {
  const [authorityPath, passwordPath] = ['authority.pem', 'password'].map((name) => `/root/${basename(folder)}-${name}`);
  const authority = createAuthority(folder);
  const names = [`DNS:${hostName}`];
  const certificate = authority.issue({ name: 'server', names });
  const server = await startNginx(folder, { certificate, login });
  const url = `https://${hostName}:${server.port}/dumps`;
  return {
    target: `target ${url}`,
    files: { [authorityPath]: readFileSync(authority.certificate, 'utf8'), [passwordPath]: `${login.password}\n` },
    add: `kcapture target add --user ${login.user} --password-file ${passwordPath} --ca ${authorityPath} ${url}`,
    captures: () => join(server.files, 'dumps'),
    root: server.files,
    leftOvers: () => filesBelow(server.files).filter((path) => path.endsWith('-incomplete') || path.startsWith('.temporary/')),
    secrets: [login.password, Buffer.from(`${login.user}:${login.password}`).toString('base64')],
    server,
    async letExpire() {
      const expired = authority.issue({ name: 'expired', names, expired: true });
      copyFileSync(expired.certificate, certificate.certificate);
      copyFileSync(expired.key, certificate.key);
      await server.kill();
      await server.start();
    },
  };
}
