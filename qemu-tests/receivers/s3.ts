/**
 * A store of objects. What lies there is asked for by its native interface, OpenStack's, which shows parts of unfinished uploads too.
 *
 * @source Swift, s3api: parts of BUCKET lie in the container `BUCKET+segments` as `KEY/UPLOAD/NUMBER`, an upload under way as `KEY/UPLOAD`
 */
import { mkdirSync } from 'node:fs';
import { basename, dirname, join } from 'node:path';
import { type S3Server, startS3 } from '../../agent/testing/servers/s3.ts';
import { command } from '../command.ts';
import { hostName, type Receiver } from './receiver.ts';

/** What `/etc/machine-id` of the machines says. */
const machineId = '6d616368696e650000000000000000aa';

/** @param folder is there already. */
export async function receiveByS3(folder: string): Promise<Receiver> {
  const keyPath = `/root/${basename(folder)}-access-key`;
  const server = await startS3(folder);
  const { accessKeyId, secretAccessKey, place } = server;
  const { bucket, prefix } = place;
  const url = `s3://${bucket}/${prefix}?endpoint=http://${hostName}:${server.port}`;
  return {
    target: `target ${url}`,
    files: { [keyPath]: `${accessKeyId}\n${secretAccessKey}\n` },
    add: `kcapture target add --access-key-file ${keyPath} '${url}'`,
    captures() {
      const store = logIn(server);
      const copies = join(folder, 'objects');
      for (const key of store.list(bucket)) store.copy(bucket, key, join(copies, key));
      return join(copies, prefix, machineId);
    },
    root: join(folder, 'devices'),
    leftOvers() {
      const store = logIn(server);
      const keys = store.list(bucket);
      const isPart = (name: string) => keys.some((key) => name.startsWith(`${key}/`) && /\/\d+$/.test(name));
      return [...keys.filter((key) => key.endsWith('-incomplete')), ...store.list(`${bucket}+segments`).filter((name) => !isPart(name))];
    },
    secrets: [secretAccessKey],
    server,
  };
}

type Store = {
  readonly list: (container: string) => readonly string[];
  readonly copy: (container: string, name: string, path: string) => void;
};

function logIn({ port, accessKeyId, secretAccessKey }: S3Server): Store {
  const curl = (...words: readonly string[]) => command(['curl', '-sSf', ...words]);
  const answer = curl(
    '-i',
    '-H',
    `X-Auth-User: ${accessKeyId}`,
    '-H',
    `X-Auth-Key: ${secretAccessKey}`,
    `http://127.0.0.1:${port}/auth/v1.0`,
  );
  const header = (name: string) => new RegExp(`^${name}: (\\S+)`, 'im').exec(answer)?.[1] ?? '';
  const words = ['-H', `X-Auth-Token: ${header('X-Auth-Token')}`];
  const at = (...path: readonly string[]) => [header('X-Storage-Url'), ...path.map(encodeURIComponent)].join('/');
  return {
    list: (container) =>
      curl(...words, at(container))
        .split('\n')
        .filter((name) => name !== ''),
    copy(container, name, path) {
      mkdirSync(dirname(path), { recursive: true, mode: 0o700 });
      curl(...words, '-o', path, at(container, ...name.split('/')));
      command(['chmod', '600', path]);
    },
  };
}
