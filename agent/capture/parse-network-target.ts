/** Targets on the network, out of a plan. */
import type { NetworkTarget } from '../config/armed-plan.ts';
import { isCredentialsFolder } from '../config/credential-files.ts';
import { credentialsRoot } from '../config/credentials.ts';
import type { RemotePlace } from '../config/remote-place.ts';
import { isPlace } from '../config/remote-url.ts';
import { parseHostAddress } from './parse-network.ts';
import type { PlanReader } from './plan-reader.ts';

/** What stands before the colon when it is mounted, brackets apart. */
const hostForm = /^[A-Za-z0-9_:][\w.:%-]{0,300}$/;

type Members = Readonly<Record<string, unknown>>;

/** @throws CaptureError `capture/bad-plan` naming the member that is wrong. */
export function parseNetworkTarget(reader: PlanReader, target: Members, where: string): NetworkTarget {
  const wish = reader.text(target.wish, `${where}.wish`);
  const addresses = reader.each(target.addresses, `${where}.addresses`, (entry, at) => parseHostAddress(reader, entry, at));
  if (target.kind === 'nfs') {
    return {
      kind: 'nfs',
      wish,
      host: reader.like(target.host, `${where}.host`, hostForm, 'a name or an address'),
      addresses,
      exported: reader.absolute(target.exported, `${where}.exported`),
      options: reader.text(target.options, `${where}.options`),
      folder: reader.absolute(target.folder, `${where}.folder`),
    };
  }
  return {
    kind: 'remote',
    wish,
    place: parsePlace(reader, target.place, `${where}.place`),
    addresses,
    credentials: parseCredentials(reader, target.credentials, `${where}.credentials`),
    canRename: reader.boolean(target.canRename, `${where}.canRename`),
  };
}

/** A folder of secrets is read as the superuser: no other is taken for one. */
function parseCredentials(reader: PlanReader, value: unknown, where: string): string {
  const path = reader.text(value, where);
  if (isCredentialsFolder(path)) return path;
  throw reader.bad(where, `"${path.slice(0, 80)}"`, `a folder in ${credentialsRoot}`);
}

function parsePlace(reader: PlanReader, value: unknown, where: string): RemotePlace {
  const place = parseMembers(reader, value, where);
  if (isPlace(place)) return place;
  throw reader.bad(where, 'a member that no URL can name', 'a place as kcapture writes it');
}

function parseMembers(reader: PlanReader, value: unknown, where: string): RemotePlace {
  const place = reader.object(value, where);
  const at = (member: string) => `${where}.${member}`;
  const text = (member: string) => reader.nonEmpty(place[member], at(member));
  const port = () => reader.number(place.port, at('port'), 1, 65_535);
  const kind = reader.oneOf(place.kind, at('kind'), ['ssh', 'http', 's3']);
  switch (kind) {
    case 'ssh':
      return { kind, user: text('user'), host: text('host'), port: port(), path: reader.optionalText(place.path, at('path')) };
    case 'http':
      return { kind, secure: reader.boolean(place.secure, at('secure')), host: text('host'), port: port(), path: text('path') };
    case 's3':
      return {
        kind,
        bucket: text('bucket'),
        prefix: reader.text(place.prefix, at('prefix')),
        endpoint: reader.like(place.endpoint, at('endpoint'), /^https?:\/\/[^\s/]+$/, 'https://HOST[:PORT]'),
        region: text('region'),
        style: reader.oneOf(place.style, at('style'), ['path', 'virtual']),
      };
  }
}
