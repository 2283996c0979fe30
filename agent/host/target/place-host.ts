/** The server that a place lies on. */
import type { RemotePlace } from '../../config/remote-place.ts';

export type PlaceHost = { /** A name, or an address without brackets. */ readonly host: string; readonly port: number };

export function placeHost(place: RemotePlace): PlaceHost {
  if (place.kind !== 's3') return { host: place.host, port: place.port };
  const { hostname, port, protocol } = new URL(place.endpoint);
  const host = hostname.replace(/^\[(.*)\]$/, '$1');
  const named = place.style === 'virtual' ? `${place.bucket}.${host}` : host;
  return { host: named, port: port !== '' ? Number(port) : protocol === 'http:' ? 80 : 443 };
}

/** True when what is sent there cannot be read on the way. */
export function isEncrypted(place: RemotePlace): boolean {
  if (place.kind === 'ssh') return true;
  return place.kind === 'http' ? place.secure : place.endpoint.startsWith('https:');
}
