/** Certificates of a target: readable, with their key, and valid for long enough that somebody can renew them in time. */
import { createPrivateKey, X509Certificate } from 'node:crypto';
import type { System } from '../../sys/system.ts';
import type { TargetProblem } from '../status/target-facts.ts';
import type { Judged } from './check-credentials.ts';

const dayMs = 86_400_000;
/** Time to ask for a new one. */
const soonMs = 30 * dayMs;
const maxBytes = 1024 * 1024;

/** The authorities that may sign the server's certificate: enough that one of them is valid. */
export function authorityProblems({ files }: System, { url, sources, nowMs }: Judged): readonly TargetProblem[] {
  const path = sources.paths.authority;
  if (path === undefined) return [];
  const hint = `Run: kcapture target add ${url} --ca FILE`;
  const all = readCertificates(files.readTextIfThere(path, maxBytes));
  if (all === undefined) return [{ fatal: true, text: `${path} holds no certificates that can be read`, hint }];
  const lastMs = Math.max(...all.map(endOf));
  return endProblems('the certificate of its authority', lastMs, { nowMs, hint });
}

export function clientCertificateProblems({ files }: System, { url, sources, nowMs }: Judged): readonly TargetProblem[] {
  const { clientCertificate, clientKey } = sources.paths;
  if (clientCertificate === undefined && clientKey === undefined) return [];
  const hint = `Run: kcapture target add ${url} --client-cert FILE --client-key FILE`;
  if (clientCertificate === undefined) return [{ fatal: true, text: 'there is a client key, but no client certificate', hint }];
  if (clientKey === undefined) return [{ fatal: true, text: 'there is a client certificate, but no key for it', hint }];
  const [certificate] = readCertificates(files.readTextIfThere(clientCertificate, maxBytes)) ?? [];
  if (certificate === undefined) return [{ fatal: true, text: `${clientCertificate} holds no certificate that can be read`, hint }];
  const belongs = isKeyOf(certificate, files.readTextIfThere(clientKey, maxBytes) ?? '');
  if (!belongs) return [{ fatal: true, text: `${clientKey} is not the key of the client certificate, or asks for a passphrase`, hint }];
  return endProblems('its client certificate', endOf(certificate), { nowMs, hint });
}

function endProblems(what: string, endMs: number, { nowMs, hint }: { nowMs: number; hint: string }): readonly TargetProblem[] {
  const leftMs = endMs - nowMs;
  const day = new Date(endMs).toISOString().slice(0, 10);
  if (leftMs <= 0) return [{ fatal: true, text: `${what} ended on ${day}`, hint }];
  return leftMs < soonMs ? [{ fatal: false, text: `${what} ends in ${Math.ceil(leftMs / dayMs)} days, on ${day}`, hint }] : [];
}

/** @returns `undefined` when there is none or one of them cannot be read. */
export function readCertificates(text: string | undefined): readonly X509Certificate[] | undefined {
  const blocks = text?.match(/-----BEGIN CERTIFICATE-----[^-]+-----END CERTIFICATE-----/g) ?? [];
  try {
    const all = blocks.map((block) => new X509Certificate(block));
    return all.length > 0 && all.every((one) => !Number.isNaN(endOf(one))) ? all : undefined;
  } catch {
    return undefined;
  }
}

function endOf({ validTo }: X509Certificate): number {
  return Date.parse(validTo);
}

function isKeyOf(certificate: X509Certificate, key: string): boolean {
  try {
    return certificate.checkPrivateKey(createPrivateKey(key));
  } catch {
    return false;
  }
}
