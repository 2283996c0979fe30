/** A certificate authority for as long as a test needs it: its own certificate, those of servers, of clients, and some that nobody should accept. */
import { execFileSync } from 'node:child_process';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

/** Paths of PEM files; the texts are read by `pemOf`. */
export type Certificate = { readonly certificate: string; readonly key: string };

export type CertificateWish = {
  /** Plain, names the files. */
  readonly name: string;
  /** As in `subjectAltName`: `IP:127.0.0.1`, `DNS:dumps.example`. Default: both of the loopback's. */
  readonly names?: readonly string[];
  readonly use?: 'server' | 'client';
  /** Was valid for a day of the year 2020. */
  readonly expired?: boolean;
};

export type Authority = {
  /** Path of its own certificate. */
  readonly certificate: string;
  issue(wish: CertificateWish): Certificate;
};

const loopback = ['DNS:localhost', 'IP:127.0.0.1', 'IP:::1'];

/** @param folder is there already. @param name of the authority: two of one folder have two names. */
export function createAuthority(folder: string, name = 'authority'): Authority {
  const own = { certificate: join(folder, `${name}.pem`), key: join(folder, `${name}.key`) };
  const settings = join(folder, `${name}.cnf`);
  writeFileSync(join(folder, `${name}.index`), '');
  writeFileSync(join(folder, `${name}.serial`), '1000\n');
  writeFileSync(settings, configuration(folder, name));
  const subject = `/CN=test ${name}`;
  const words = ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:P-256', '-nodes'];
  openssl(['req', '-x509', ...words, '-days', '365', '-subj', subject, '-keyout', own.key, '-out', own.certificate, '-config', settings]);
  const issue = ({ name: issued, names = loopback, use = 'server', expired = false }: CertificateWish): Certificate => {
    const made = { certificate: join(folder, `${issued}.pem`), key: join(folder, `${issued}.key`) };
    const request = join(folder, `${issued}.csr`);
    const extensions = join(folder, `${issued}.ext`);
    writeFileSync(extensions, `basicConstraints = CA:FALSE\nextendedKeyUsage = ${use}Auth\nsubjectAltName = ${names.join(',')}\n`);
    openssl(['req', ...words, '-subj', `/CN=${issued}`, '-keyout', made.key, '-out', request, '-config', settings]);
    const days = expired ? ['-startdate', '20200101000000Z', '-enddate', '20200102000000Z'] : ['-days', '365'];
    const files = ['-in', request, '-out', made.certificate, '-extfile', extensions];
    openssl(['ca', '-batch', '-notext', '-config', settings, ...days, ...files]);
    return made;
  };
  return { certificate: own.certificate, issue };
}

/** The texts, as a `Credentials` has them. */
export function pemOf({ certificate, key }: Certificate): { readonly clientCertificate: string; readonly clientKey: string } {
  return { clientCertificate: readFileSync(certificate, 'utf8'), clientKey: readFileSync(key, 'utf8') };
}

function openssl(words: readonly string[]): void {
  execFileSync('openssl', words, { stdio: ['ignore', 'ignore', 'pipe'], timeout: 30_000 });
}

function configuration(folder: string, name: string): string {
  return `
[req]
distinguished_name = subject
x509_extensions = own
prompt = no
[subject]
CN = test
[own]
basicConstraints = critical, CA:TRUE
keyUsage = critical, keyCertSign, cRLSign
subjectKeyIdentifier = hash
[ca]
default_ca = here
[here]
database = ${join(folder, `${name}.index`)}
serial = ${join(folder, `${name}.serial`)}
new_certs_dir = ${folder}
certificate = ${join(folder, `${name}.pem`)}
private_key = ${join(folder, `${name}.key`)}
default_md = sha256
policy = anything
unique_subject = no
[anything]
commonName = supplied
`;
}
