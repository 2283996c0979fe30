/** Targets on the network, out of a plan. */
import type { NetworkTarget } from '../config/armed-plan.ts';
import type { RemotePlace } from '../config/remote-place.ts';
import { parseHostAddress } from './parse-network.ts';
import type { PlanReader } from './plan-reader.ts';

type Members = Readonly<Record<string, unknown>>;

/** @throws CaptureError `capture/bad-plan` naming the member that is wrong. */
export function parseNetworkTarget(reader: PlanReader, target: Members, where: string): NetworkTarget {
  const wish = reader.text(target.wish, `${where}.wish`);
  const addresses = reader.each(target.addresses, `${where}.addresses`, (entry, at) => parseHostAddress(reader, entry, at));
  if (target.kind === 'nfs') {
    return {
      kind: 'nfs',
      wish,
      host: reader.nonEmpty(target.host, `${where}.host`),
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
    credentials: reader.absolute(target.credentials, `${where}.credentials`),
    canRename: reader.boolean(target.canRename, `${where}.canRename`),
  };
}

function parsePlace(reader: PlanReader, value: unknown, where: string): RemotePlace {
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
