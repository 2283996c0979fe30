/**
 * Do the files of a target on the network suffice, and for how long? Certificates, tokens and pinned keys are looked at here, on the healthy machine, where
 * somebody can still do something about them.
 *
 * Comes in: a place and the paths of its files. Goes out: problems with their remedies; never a word of a secret.
 */
import type { Secret } from '../../config/credentials.ts';
import { parseSecret } from '../../config/credential-files.ts';
import type { RemotePlace, SshPlace } from '../../config/remote-place.ts';
import { formatRemoteUrl } from '../../config/remote-url.ts';
import { KcaptureError } from '../../errors.ts';
import { findPinnedKeys } from '../../remote/ssh/known-hosts.ts';
import type { System } from '../../sys/system.ts';
import type { TargetProblem } from '../status/target-facts.ts';
import { authorityProblems, clientCertificateProblems } from './check-certificates.ts';
import type { CredentialSources } from './find-credentials.ts';
import { isEncrypted } from './place-host.ts';
import { isPassphraseNeeded } from './passphrase.ts';

export type Judged = { readonly place: RemotePlace; readonly url: string; readonly sources: CredentialSources; readonly nowMs: number };

const hourMs = 3_600_000;

/** For anybody but the superuser there is nothing to be seen, and no problem is found. */
export function credentialProblems(system: System, place: RemotePlace, sources: CredentialSources): readonly TargetProblem[] {
  if (system.kernel.effectiveUserId() !== 0) return [];
  const judged = { place, url: formatRemoteUrl(place), sources, nowMs: system.kernel.wallClockMs() };
  const byKind = place.kind === 'ssh' ? sshProblems(system, place, judged) : webProblems(system, judged);
  return [...byKind, ...modeProblems(system, judged)];
}

function sshProblems(system: System, place: SshPlace, { url, sources: { paths } }: Judged): readonly TargetProblem[] {
  const problems: TargetProblem[] = [];
  const hint = `Run: kcapture target add ${url}`;
  const key = paths.privateKey === undefined ? undefined : system.files.readTextIfThere(paths.privateKey, 64 * 1024);
  if (key === undefined) problems.push({ fatal: true, text: 'there is no private key for it', hint });
  else if (isPassphraseNeeded(key)) {
    problems.push({
      fatal: true,
      text: `the private key ${paths.privateKey} asks for a passphrase, and nobody types one after a crash`,
      hint,
    });
  }
  const knownHosts = paths.knownHosts === undefined ? '' : (system.files.readTextIfThere(paths.knownHosts, 1024 * 1024) ?? '');
  if (findPinnedKeys(knownHosts, place.host, place.port).trusted.length === 0) {
    problems.push({ fatal: true, text: `no host key of ${place.host} is pinned`, hint });
  }
  return problems;
}

function webProblems(system: System, judged: Judged): readonly TargetProblem[] {
  return [...secretProblems(system, judged), ...authorityProblems(system, judged), ...clientCertificateProblems(system, judged)];
}

function secretProblems({ files }: System, { place, url, sources, nowMs }: Judged): readonly TargetProblem[] {
  const path = sources.paths.secret;
  const hint = `Run: kcapture target add ${url}`;
  if (path === undefined) return place.kind === 's3' ? [{ fatal: true, text: 'there is no access key for it', hint }] : [];
  const secret = tryParse(files.readTextIfThere(path, 64 * 1024) ?? '');
  if (secret === undefined) return [{ fatal: true, text: `${path} cannot be understood`, hint }];
  if ((secret.kind === 's3') !== (place.kind === 's3')) return [{ fatal: true, text: `${path} is meant for another kind of target`, hint }];
  const inTheClear = secret.kind !== 's3' && !isEncrypted(place);
  return [
    ...(inTheClear ? [{ fatal: false, text: 'its password travels in the clear', hint: 'Name it by https:// in /etc/kcapture.conf' }] : []),
    ...tokenProblems(secret, url, nowMs),
  ];
}

/** Whatever is wrong with it, its text is not repeated. */
function tryParse(text: string): Secret | undefined {
  try {
    return parseSecret(text);
  } catch (error) {
    if (error instanceof KcaptureError) return undefined;
    throw error;
  }
}

/** A session token lasts hours: a machine that is to be captured at any time needs a key that lasts. */
function tokenProblems(secret: Secret, url: string, nowMs: number): readonly TargetProblem[] {
  if (secret.kind !== 's3' || secret.sessionToken === undefined) return [];
  const lasting = `Run kcapture target add ${url} with an access key that does not end, or again before then and then: kcapture load --rebuild`;
  if (secret.expiresAt === undefined) return [{ fatal: false, text: 'its session token ends at a time that is not known', hint: lasting }];
  const leftMs = Date.parse(secret.expiresAt) - nowMs;
  if (leftMs <= 0) return [{ fatal: true, text: `its session token ended at ${secret.expiresAt}`, hint: lasting }];
  const left = leftMs < 48 * hourMs ? `${Math.max(1, Math.round(leftMs / hourMs))} hours` : `${Math.round(leftMs / (24 * hourMs))} days`;
  return [{ fatal: false, text: `its session token ends in ${left}, at ${secret.expiresAt}`, hint: lasting }];
}

/** Files that others may read are no secrets. */
function modeProblems({ files }: System, { sources: { paths, folder } }: Judged): readonly TargetProblem[] {
  const secrets = [paths.privateKey, paths.clientKey, paths.secret].filter((path) => path !== undefined);
  const open = secrets.filter((path) => ((files.status(path)?.mode ?? 0) & 0o077) !== 0);
  const foreign = secrets.filter((path) => (files.status(path)?.uid ?? 0) !== 0);
  const hint = `chown -R root:root ${folder}; chmod 700 ${folder}; chmod 600 ${[...new Set([...open, ...foreign])].join(' ')}`;
  return [
    ...open.map((path) => ({ fatal: false, text: `others than root can read ${path}`, hint })),
    ...foreign.map((path) => ({ fatal: false, text: `${path} belongs to somebody else than root`, hint })),
  ];
}
