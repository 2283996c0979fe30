/** Servers on the loopback, and for each who else could send a finished file there. */
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { formatSecret } from '../../agent/config/credential-files.ts';
import { credentialFiles } from '../../agent/config/credentials.ts';
import { createAuthority } from '../../agent/testing/servers/authority.ts';
import { startNginx } from '../../agent/testing/servers/nginx.ts';
import { startS3 } from '../../agent/testing/servers/s3.ts';
import type { ServerProcess } from '../../agent/testing/servers/server-process.ts';
import { startSshd } from '../../agent/testing/servers/sshd.ts';

export type Sender = {
  readonly name: string;
  readonly server: ServerProcess;
  /** Where ours sends to. */
  readonly url: string;
  /** Folder of ours with keys or secrets. */
  readonly credentials: string;
  /** Who sends a finished file, e.g. `sftp`, and how. */
  readonly peer: string;
  readonly send: (file: string) => readonly string[];
  /** Where the server keeps what it receives: emptied between runs. */
  readonly received: string;
};

export async function startSenders(folder: string): Promise<readonly Sender[]> {
  const at = (name: string) => {
    const path = join(folder, name);
    mkdirSync(path);
    return path;
  };
  return [await bySsh(at('ssh')), await byHttp(at('http'), false), await byHttp(at('https'), true), await byS3(at('s3'))];
}

async function bySsh(folder: string): Promise<Sender> {
  const server = await startSshd(folder);
  const credentials = writeCredentials(folder, { privateKey: server.privateKey, knownHosts: server.knownHosts });
  const options = ['StrictHostKeyChecking=yes', `UserKnownHostsFile=${credentials}/known_hosts`, 'BatchMode=yes'];
  const batch = (file: string) => {
    const path = join(folder, 'batch');
    writeFileSync(path, `put ${file} ${join(server.files, 'sent')}\n`);
    return path;
  };
  return {
    name: 'ssh',
    server,
    url: `ssh://${server.user}@127.0.0.1:${server.port}${server.files}`,
    credentials,
    peer: 'sftp',
    send: (file) => [
      ...['sftp', '-q', '-b', batch(file), '-P', `${server.port}`, '-i', join(credentials, credentialFiles.privateKey)],
      ...options.flatMap((option) => ['-o', option]),
      `${server.user}@127.0.0.1`,
    ],
    received: server.files,
  };
}

async function byHttp(folder: string, secure: boolean): Promise<Sender> {
  const authority = secure ? createAuthority(folder) : undefined;
  const server = await startNginx(folder, { certificate: authority?.issue({ name: 'server' }) });
  const url = `${server.origin}/dumps`;
  const text = authority === undefined ? {} : { authority: readFileSync(authority.certificate, 'utf8') };
  const trusted = authority === undefined ? [] : ['--cacert', authority.certificate];
  return {
    name: secure ? 'https' : 'http',
    server,
    url,
    credentials: writeCredentials(folder, text),
    peer: 'curl',
    // Chunked, as ours has to: the length is not known.
    send: (file) => ['curl', '-sSf', ...trusted, '-H', 'Transfer-Encoding: chunked', '-T', file, '-o', '/dev/null', `${url}/sent`],
    received: join(server.files, 'dumps'),
  };
}

/** curl sends the file in one request: it has no uploads in parts. */
async function byS3(folder: string): Promise<Sender> {
  const server = await startS3(folder);
  const { accessKeyId, secretAccessKey, place } = server;
  const { endpoint, bucket, prefix, region } = place;
  const login = `http://127.0.0.1:${server.port}/auth/v1.0`;
  // Its own interface takes a token instead of signatures that curl makes only for keys without a colon.
  const script = `token=$(curl -sSf -i -H 'X-Auth-User: ${accessKeyId}' -H 'X-Auth-Key: ${secretAccessKey}' ${login} | tr -d '\\r' | sed -n 's/^X-Auth-Token: //p')
exec curl -sSf -H "X-Auth-Token: $token" -T "$1" -o /dev/null http://127.0.0.1:${server.port}/v1/AUTH_test/${bucket}/sent`;
  return {
    name: 's3',
    server,
    url: `s3://${bucket}/${prefix}?endpoint=${endpoint}&region=${region}`,
    credentials: writeCredentials(folder, { secret: formatSecret({ kind: 's3', accessKeyId, secretAccessKey }) }),
    peer: 'curl',
    send: (file) => ['sh', '-c', script, 'sh', file],
    received: join(folder, 'devices/d1/objects'),
  };
}

function writeCredentials(folder: string, texts: Readonly<Partial<Record<keyof typeof credentialFiles, string>>>): string {
  const path = join(folder, 'credentials');
  mkdirSync(path, { mode: 0o700 });
  for (const [name, text] of Object.entries(texts))
    writeFileSync(join(path, credentialFiles[name as keyof typeof credentialFiles]), text, { mode: 0o600 });
  return path;
}
