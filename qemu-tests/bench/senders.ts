/** Servers on the loopback, and for each who else could send a finished file there. */
import { AwsV4Signer } from 'aws4fetch';
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { formatSecret } from '../../agent/config/credential-files.ts';
import { credentialFiles } from '../../agent/config/credentials.ts';
import { createAuthority } from '../../agent/testing/servers/authority.ts';
import { startNginx } from '../../agent/testing/servers/nginx.ts';
import { startS3 } from '../../agent/testing/servers/s3.ts';
import type { ServerProcess } from '../../agent/testing/servers/server-process.ts';
import { startSshd } from '../../agent/testing/servers/sshd.ts';
import { command } from '../command.ts';

export type Sender = {
  readonly name: string;
  readonly server: ServerProcess;
  /** Where ours sends to. */
  readonly url: string;
  /** Folder of ours with keys or secrets. */
  readonly credentials: string;
  /** Who sends a finished file, e.g. `sftp`, and how. */
  readonly peer: string;
  readonly send: (file: string) => Promise<readonly string[]>;
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
    send: async (file) => [
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
    send: async (file) => ['curl', '-sSf', ...trusted, '-H', 'Transfer-Encoding: chunked', '-T', file, '-o', '/dev/null', `${url}/sent`],
    received: join(server.files, 'dumps'),
  };
}

/** curl sends the file in one request, whose signature is made beforehand: curl itself cannot sign with a key that has a colon in it. */
async function byS3(folder: string): Promise<Sender> {
  const server = await startS3(folder);
  const { accessKeyId, secretAccessKey, place } = server;
  const { endpoint, bucket, prefix, region } = place;
  const send = async (file: string) => {
    const url = `${endpoint}/${bucket}/sent`;
    const sum = command(['sha256sum', file]).slice(0, 64);
    const headers = { 'x-amz-content-sha256': sum };
    const signer = new AwsV4Signer({ method: 'PUT', url, headers, accessKeyId, secretAccessKey, service: 's3', region });
    const words = [...(await signer.sign()).headers].flatMap(([name, value]) => ['-H', `${name}: ${value}`]);
    return ['curl', '-sSf', ...words, '-T', file, '-o', '/dev/null', url];
  };
  return {
    name: 's3',
    server,
    url: `s3://${bucket}/${prefix}?endpoint=${endpoint}&region=${region}`,
    credentials: writeCredentials(folder, { secret: formatSecret({ kind: 's3', accessKeyId, secretAccessKey }) }),
    peer: 'curl',
    send,
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
