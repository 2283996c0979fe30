/**
 * A web server that takes files, on a port of the loopback: nginx with its dav modules, in the foreground.
 *
 * `/dumps/` takes everything; `/put-only/` neither renames nor makes folders; `/small/` takes 64 KiB at most; `/status/NNN/` answers NNN to whatever comes; `/elsewhere/`
 * and `/moved/` send to another host and to the same.
 */
import { existsSync, mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Certificate } from './authority.ts';
import { freePort, type ServerProcess, startServer } from './server-process.ts';

export type NginxOptions = {
  /** Without it: plain HTTP. */
  readonly certificate?: Certificate;
  /** Path of the authority whose clients alone are let in. */
  readonly clientAuthority?: string;
  /** User and password that `/dumps/` asks for. */
  readonly login?: { readonly user: string; readonly password: string };
  /** The files are in memory, at most so many bytes, and seen by nobody but the server. */
  readonly diskBytes?: number;
  /** Words of nginx's configuration, within its `server`. */
  readonly more?: string;
};

export type Nginx = ServerProcess & {
  readonly port: number;
  /** `https://127.0.0.1:PORT`. */
  readonly origin: string;
  /** Behind `/dumps/`, `/put-only/` and `/small/` on this machine. */
  readonly files: string;
  /** Where bodies grow before they get their name. */
  readonly temporary: string;
};

const statuses = [400, 401, 403, 404, 405, 409, 411, 413, 429, 500, 503, 507];

/** @param folder is there already. */
export async function startNginx(folder: string, options: NginxOptions = {}): Promise<Nginx> {
  const port = await freePort();
  const files = join(folder, 'files');
  const temporary = join(files, '.temporary');
  for (const path of [temporary, join(folder, 'logs')]) mkdirSync(path, { recursive: true });
  const { login } = options;
  if (login !== undefined) writeFileSync(join(folder, 'users'), `${login.user}:{PLAIN}${login.password}\n`);
  const settings = join(folder, 'nginx.conf');
  writeFileSync(settings, configuration(folder, port, options, { files, temporary }));
  const nginx = ['nginx', '-c', settings, '-p', folder, '-e', join(folder, 'logs/error.log')];
  const argv = options.diskBytes === undefined ? nginx : onSmallDisk(nginx, options.diskBytes, { files, temporary });
  const scheme = options.certificate === undefined ? 'http' : 'https';
  return { ...(await startServer({ argv, port })), port, origin: `${scheme}://127.0.0.1:${port}`, files, temporary };
}

/** In the server's own mount namespace. */
function onSmallDisk(argv: readonly string[], diskBytes: number, { files, temporary }: Paths): readonly string[] {
  const script = 'mount -t tmpfs -o size="$1" tmpfs "$2" && mkdir "$3" && shift 3 && exec "$@"';
  return ['sh', '-c', script, 'sh', String(diskBytes), files, temporary, ...argv];
}

type Paths = { readonly files: string; readonly temporary: string };

function configuration(folder: string, port: number, options: NginxOptions, { files, temporary }: Paths): string {
  const { certificate, clientAuthority, login, more = '' } = options;
  // PROPFIND, where the package is there.
  const extended = '/usr/lib/nginx/modules/ngx_http_dav_ext_module.so';
  const hasExtended = existsSync(extended);
  const tls =
    certificate === undefined
      ? ''
      : `ssl_certificate ${certificate.certificate}; ssl_certificate_key ${certificate.key}; ssl_protocols TLSv1.2 TLSv1.3;`;
  const clients = clientAuthority === undefined ? '' : `ssl_client_certificate ${clientAuthority}; ssl_verify_client on;`;
  const passwords = login === undefined ? '' : `auth_basic dumps; auth_basic_user_file ${join(folder, 'users')};`;
  return `
${hasExtended ? `load_module ${extended};` : ''}
daemon off; master_process on; worker_processes 1; user root; pid ${join(folder, 'nginx.pid')};
events { worker_connections 64; }
http {
  access_log ${join(folder, 'logs/access.log')};
  client_body_temp_path ${temporary};
  proxy_temp_path ${join(folder, 'proxy')}; fastcgi_temp_path ${join(folder, 'fastcgi')};
  scgi_temp_path ${join(folder, 'scgi')}; uwsgi_temp_path ${join(folder, 'uwsgi')};
  server {
    listen 127.0.0.1:${port}${certificate === undefined ? '' : ' ssl'};
    ${tls} ${clients}
    root ${files};
    client_max_body_size 0;
    dav_access user:rw;
    ${more}
    location /dumps/ {
      ${passwords}
      dav_methods PUT DELETE MKCOL MOVE;
      ${hasExtended ? 'dav_ext_methods PROPFIND;' : ''}
      create_full_put_path on;
    }
    location /put-only/ { dav_methods PUT DELETE; create_full_put_path on; }
    location /small/ { dav_methods PUT DELETE MKCOL MOVE; create_full_put_path on; client_max_body_size 64k; }
    location /elsewhere/ { return 307 https://other.example/dumps/?signature=secret; }
    location /moved/ { return 308 /dumps/; }
    ${statuses.map((status) => `location /status/${status}/ { return ${status}; }`).join('\n    ')}
  }
}
`;
}
