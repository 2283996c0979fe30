/**
 * A store of objects that checks signatures and checksums: OpenStack Swift with its S3 interface, on ports of the loopback, its files in a folder.
 *
 * Four servers, their cache, and the ring that tells them of each other, started by one program, all in the foreground. Parts may be as small as a byte, so that tests stay
 * quick.
 */
import { existsSync, mkdirSync, readdirSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { AwsV4Signer } from 'aws4fetch';
import type { S3Place } from '../../config/remote-place.ts';
import { freePort, type ServerProcess, startServer } from './server-process.ts';

export type S3Server = ServerProcess & {
  readonly port: number;
  readonly place: S3Place;
  readonly accessKeyId: string;
  readonly secretAccessKey: string;
  /** What lies on its disk: objects and parts, whether anybody can see them or not. */
  readonly stored: () => { readonly files: number; readonly bytes: number };
};

export type S3ServerOptions = {
  /** Default 1. */
  readonly leastPartBytes?: number;
};

const [account, user, secretAccessKey, bucket] = ['test', 'tester', 'a-secret-for-tests-only', 'crashes'] as const;
const accessKeyId = `${account}:${user}`;
const kinds = ['account', 'container', 'object'] as const;

/** @param folder is there already; its file system has extended attributes. */
export async function startS3(folder: string, { leastPartBytes = 1 }: S3ServerOptions = {}): Promise<S3Server> {
  const ports = {
    account: await freePort(),
    container: await freePort(),
    object: await freePort(),
    cache: await freePort(),
    proxy: await freePort(),
  };
  const device = join(folder, 'devices', 'd1');
  mkdirSync(device, { recursive: true });
  writeFileSync(join(folder, 'swift.conf'), '[swift-hash]\nswift_hash_path_suffix = tests\n');
  for (const kind of kinds) writeFileSync(join(folder, `${kind}.conf`), storageConfiguration(folder, kind, ports[kind]));
  writeFileSync(join(folder, 'proxy.conf'), proxyConfiguration(folder, ports, leastPartBytes));
  const argv = ['/usr/bin/python3', '-c', launcher, folder, `${ports.cache}`, ...kinds.map((kind) => `${ports[kind]}`)];
  const server = await startServer({ argv, port: ports.proxy, startMs: 60_000 });
  const place: S3Place = {
    kind: 's3',
    bucket,
    prefix: 'dumps',
    endpoint: `http://127.0.0.1:${ports.proxy}`,
    region: 'us-east-1',
    style: 'path',
  };
  try {
    await makeBucket(place);
  } catch (error) {
    await server.kill();
    throw error;
  }
  return { ...server, port: ports.proxy, place, accessKeyId, secretAccessKey, stored: () => countFiles(join(device, 'objects')) };
}

/** The storage servers may come up after the proxy. */
async function makeBucket(place: S3Place): Promise<void> {
  let found = '';
  for (let attempt = 0; attempt < 300; attempt++) {
    const url = `${place.endpoint}/${place.bucket}`;
    const signer = new AwsV4Signer({ method: 'PUT', url, accessKeyId, secretAccessKey, service: 's3', region: place.region });
    const { headers } = await signer.sign();
    const answer = await fetch(url, { method: 'PUT', headers });
    found = `${answer.status} ${await answer.text()}`;
    if (answer.ok) return;
    await new Promise((resolve) => setTimeout(resolve, 100));
  }
  throw new Error(`Cannot make the bucket: ${found}`);
}

/** @source how Swift lays objects on disks: `objects/PARTITION/SUFFIX/HASH/TIME.data`, `.ts` in its stead when it is deleted */
function countFiles(folder: string): { files: number; bytes: number } {
  if (!existsSync(folder)) return { files: 0, bytes: 0 };
  const names = readdirSync(folder, { recursive: true }).map(String);
  const sizes = names.filter((name) => name.endsWith('.data')).map((name) => statSync(join(folder, name)).size);
  return { files: sizes.length, bytes: sizes.reduce((sum, size) => sum + size, 0) };
}

/** Its arguments: the folder, the port of the cache, the ports of the storage servers. It lives as long as the proxy. */
const launcher = `
import os, sys
folder, cache, ports = sys.argv[1], sys.argv[2], sys.argv[3:]
os.chdir(folder)
import swift.common.utils as utils
utils.SWIFT_CONF_FILE = os.path.join(folder, 'swift.conf')
utils.validate_hash_conf()
import swift.common.storage_policy as policy
policy.SWIFT_CONF_FILE = utils.SWIFT_CONF_FILE
policy.reload_storage_policies()
from swift.common.ring import RingBuilder
from swift.common.wsgi import run_wsgi
for kind, port in zip(('account', 'container', 'object'), ports):
    ring = RingBuilder(2, 1, 0)
    ring.add_dev({'region': 1, 'zone': 1, 'ip': '127.0.0.1', 'port': int(port), 'device': 'd1', 'weight': 1})
    ring.rebalance()
    ring.get_ring().save(os.path.join(folder, kind + '.ring.gz'))
if os.fork() == 0:
    os.execvp('memcached', ['memcached', '-u', 'nobody', '-l', '127.0.0.1', '-p', cache, '-U', '0', '-m', '16'])
for kind in ('account', 'container', 'object'):
    if os.fork() == 0:
        sys.exit(run_wsgi(os.path.join(folder, kind + '.conf'), kind + '-server'))
sys.exit(run_wsgi(os.path.join(folder, 'proxy.conf'), 'proxy-server'))
`;

function commonConfiguration(folder: string, port: number): string {
  return `[DEFAULT]
bind_ip = 127.0.0.1
bind_port = ${port}
workers = 0
user = root
swift_dir = ${folder}
devices = ${join(folder, 'devices')}
mount_check = false
log_level = ERROR
`;
}

function storageConfiguration(folder: string, kind: string, port: number): string {
  return `${commonConfiguration(folder, port)}
[pipeline:main]
pipeline = ${kind}-server
[app:${kind}-server]
use = egg:swift#${kind}
`;
}

function proxyConfiguration(folder: string, ports: { proxy: number; cache: number }, leastPartBytes: number): string {
  const filters = ['catch_errors', 'gatekeeper', 'memcache', 'listing_formats', 'bulk', 's3api', 'tempauth', 'copy', 'slo', 'dlo'];
  const settings: Readonly<Record<string, string>> = {
    s3api: `min_segment_size = ${leastPartBytes}\nmax_upload_part_num = 10000\nstorage_domain = s3.test`,
    tempauth: `user_${account}_${user} = ${secretAccessKey} .admin`,
    memcache: `memcache_servers = 127.0.0.1:${ports.cache}`,
    slo: 'max_manifest_segments = 10000',
  };
  const sections = filters.map((name) => `[filter:${name}]\nuse = egg:swift#${name}\n${settings[name] ?? ''}\n`);
  return `${commonConfiguration(folder, ports.proxy)}
[pipeline:main]
pipeline = ${filters.join(' ')} proxy-server
[app:proxy-server]
use = egg:swift#proxy
account_autocreate = true
${sections.join('')}`;
}
