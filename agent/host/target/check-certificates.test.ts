import { X509Certificate } from 'node:crypto';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import t, { type Test } from 'tap';
import { credentialsFolder } from '../../config/credential-files.ts';
import { parseRemoteUrl } from '../../config/remote-url.ts';
import { nodeKernelCalls } from '../../testing/node-kernel-calls.ts';
import { createRootedSystem, putTree } from '../../testing/rooted-system.ts';
import { createAuthority } from '../../testing/servers/authority.ts';
import { credentialProblems } from './check-credentials.ts';
import { findCredentials } from './find-credentials.ts';

const place = parseRemoteUrl('https://files.example/crash');
const day = 86_400_000;

function scratch(t: Test): string {
  const folder = mkdtempSync(join(tmpdir(), 'kcapture-certificates-'));
  t.teardown(() => rmSync(folder, { recursive: true, force: true }));
  return folder;
}

/** @param files name in the target's folder → path of a file to put there, or a text. */
async function problems(t: Test, files: Readonly<Record<string, string>>, nowMs = Date.now()) {
  const root = scratch(t);
  const read = (source: string) => (source.startsWith('/') ? readFileSync(source, 'utf8') : source);
  putTree(root, Object.fromEntries(Object.entries(files).map(([name, source]) => [`${credentialsFolder(place)}/${name}`, read(source)])));
  const kernel = { ...nodeKernelCalls, effectiveUserId: () => 0, wallClockMs: () => nowMs };
  const system = await createRootedSystem(root, { kernel });
  const found = credentialProblems(system, place, findCredentials(system, place, undefined));
  return found.filter(({ text }) => !text.startsWith('others than root'));
}

t.test('certificates that hold, end soon, have ended, or do not fit', async (t) => {
  const folder = scratch(t);
  const authority = createAuthority(folder);
  const client = authority.issue({ name: 'client', use: 'client' });
  const other = authority.issue({ name: 'other', use: 'client' });
  const old = authority.issue({ name: 'old', use: 'client', expired: true });
  const both = { 'client.pem': client.certificate, 'client.key': client.key };
  const endMs = Date.parse(new X509Certificate(readFileSync(client.certificate)).validTo);
  const [early, soon, late] = [endMs - 60 * day, endMs - 20 * day, endMs + day];

  t.same(await problems(t, { 'ca.pem': authority.certificate, ...both }, early), []);
  t.match(await problems(t, both, soon), [{ fatal: false, text: /client certificate ends in 20 days, on 20/, hint: /--client-cert/ }]);
  t.match(await problems(t, both, late), [{ fatal: true, text: /client certificate ended on 20/ }]);
  t.match(await problems(t, { 'ca.pem': authority.certificate }, late), [{ fatal: true, text: /its authority ended/, hint: /--ca/ }]);
  t.match(await problems(t, { 'client.pem': old.certificate, 'client.key': old.key }, early), [
    { fatal: true, text: /ended on 2020-01-02/ },
  ]);
  t.match(await problems(t, { 'client.pem': client.certificate, 'client.key': other.key }, early), [
    { fatal: true, text: /not the key of/ },
  ]);
  t.match(await problems(t, { 'client.pem': client.certificate }, early), [{ fatal: true, text: /no key for it/ }]);
  t.match(await problems(t, { 'client.key': client.key }, early), [{ fatal: true, text: /no client certificate/ }]);
  t.match(await problems(t, { 'ca.pem': 'nothing' }), [{ fatal: true, text: /no certificates that can be read/ }]);
});

t.test('certificates cut at any length are a problem and no crash', async (t) => {
  const text = readFileSync(createAuthority(scratch(t)).certificate, 'utf8').trimEnd();
  for (let end = 1; end < text.length; end += 37) t.match(await problems(t, { 'ca.pem': text.slice(0, end) }), [{ fatal: true }]);
});
