/**
 * `s3://BUCKET[/PREFIX][?endpoint=URL&region=REGION&style=path|virtual]`.
 *
 * Without an endpoint: Amazon's of the region. Path style is what every other store understands.
 *
 * @source Amazon S3 User Guide: bucket naming rules, virtual hosting of buckets, object key names
 */
import { isIP } from 'node:net';
import { badValue } from './config-error.ts';
import { nearestWord } from './nearest-word.ts';
import type { S3Place } from './remote-place.ts';
import { encodeHost, encodePart, splitPath, splitUrl, type UrlParts } from './url-parts.ts';
import { chooseFrom } from './values.ts';

/** A key has at most 1024 bytes; below the prefix there are a machine, a capture and a file. */
const longestPrefixBytes = 600;
const styles = ['path', 'virtual'] as const;
const words = ['endpoint', 'region', 'style'] as const;
/** What stores of others that have no regions take for one. */
const usualRegion = 'us-east-1';

/** @throws ConfigError `config/value` */
export function readS3Url({ host, port, path, query = [] }: UrlParts): S3Place {
  if (port !== undefined) throw badValue('Cannot use this URL: a bucket has no port', 'The port belongs to the endpoint, behind its host');
  const asked = readWords(query);
  if (asked.endpoint === undefined && asked.region === undefined) {
    throw badValue(
      'Cannot use this URL: it says neither endpoint nor region',
      'Add ?region=REGION for Amazon, ?endpoint=https://HOST for any other store',
    );
  }
  const region = checkRegion(asked.region ?? usualRegion);
  const endpoint = asked.endpoint === undefined ? amazon(region) : checkEndpoint(asked.endpoint);
  const style = asked.style === undefined ? usualStyle(host, endpoint, region) : chooseFrom(styles, asked.style);
  return { kind: 's3', bucket: checkBucket(host, style, endpoint), prefix: checkPrefix(splitPath(path)), endpoint, region, style };
}

export function formatS3Url({ bucket, prefix, endpoint, region, style }: S3Place): string {
  const query = [
    ...(endpoint === amazon(region) ? [] : [`endpoint=${endpoint}`]),
    ...(endpoint !== amazon(region) && region === usualRegion ? [] : [`region=${region}`]),
    ...(style === usualStyle(bucket, endpoint, region) ? [] : [`style=${style}`]),
  ];
  const path = prefix === '' ? '' : `/${prefix.split('/').map(encodePart).join('/')}`;
  return `s3://${bucket}${path}?${query.join('&')}`;
}

function readWords(query: readonly (readonly [name: string, value: string])[]): { endpoint?: string; region?: string; style?: string } {
  const found: { endpoint?: string; region?: string; style?: string } = {};
  for (const [name, value] of query) {
    const word = words.find((each) => each === name);
    if (word === undefined) throw unknownWord(name);
    if (found[word] !== undefined) throw badValue(`Cannot use this URL: it says ${word} twice`);
    found[word] = value;
  }
  return found;
}

/** The word may be a secret that stands in the wrong place. */
function unknownWord(name: string) {
  if (/key|secret|token|credential|signature|password/i.test(name)) {
    return badValue(
      'Cannot use a URL with a key in it',
      'Write the URL without it, and let "kcapture target add URL" ask for it and keep it apart',
    );
  }
  const meant = nearestWord(name, words);
  return badValue(
    'Cannot use this URL: expected endpoint, region or style behind "?"',
    meant === undefined ? undefined : `Did you mean "${meant}"?`,
  );
}

function amazon(region: string): string {
  return `https://s3.${region}.amazonaws.com${region.startsWith('cn-') ? '.cn' : ''}`;
}

/** A bucket with a dot in its name does not match Amazon's certificates as part of a host. */
function usualStyle(bucket: string, endpoint: string, region: string): S3Place['style'] {
  return endpoint === amazon(region) && !bucket.includes('.') ? 'virtual' : 'path';
}

function checkRegion(region: string): string {
  if (/^[A-Za-z0-9][A-Za-z0-9-]{0,62}$/.test(region)) return region;
  throw badValue('Cannot use the region of this URL: expected letters, digits and "-"', 'Write for instance region=eu-central-1');
}

function checkEndpoint(text: string): string {
  const { scheme, user, host, port, path, query } = splitUrl(text.includes('://') ? text : `https://${text}`);
  if (user !== undefined)
    throw badValue('Cannot use the endpoint of this URL: it holds a user or a password', 'Write endpoint=https://HOST');
  if (host.includes('%')) throw badValue('Cannot use the endpoint of this URL: a link-local address leads nowhere from another machine');
  if (scheme !== 'https' && scheme !== 'http') throw badValue('Cannot use the endpoint of this URL: expected https://HOST or http://HOST');
  if ((path !== '' && path !== '/') || query !== undefined) {
    throw badValue(
      'Cannot use the endpoint of this URL: nothing may follow the host',
      'The bucket stands in front: s3://BUCKET/PREFIX?endpoint=https://HOST',
    );
  }
  const isUsual = port === undefined || port === (scheme === 'https' ? 443 : 80);
  return `${scheme}://${encodeHost(host)}${isUsual ? '' : `:${port}`}`;
}

function checkBucket(bucket: string, style: S3Place['style'], endpoint: string): string {
  const isName = /^[a-z0-9][a-z0-9._-]{1,61}[a-z0-9]$/.test(bucket) && !/\.\.|\.-|-\./.test(bucket);
  if (!isName) throw badValue('Cannot use the bucket of this URL: expected 3 to 63 small letters, digits, "-", "_" and "."');
  if (style === 'virtual' && bucket.includes('_')) {
    throw badValue('Cannot use a bucket with "_" in its name as part of a host', 'Write style=path');
  }
  if (style === 'virtual' && isIP(splitUrl(endpoint).host) !== 0) {
    throw badValue('Cannot put the bucket in front of an endpoint that is an address', 'Write style=path');
  }
  return bucket;
}

function checkPrefix(segments: readonly string[]): string {
  const prefix = segments.join('/');
  if (new TextEncoder().encode(prefix).length <= longestPrefixBytes) return prefix;
  throw badValue(`Cannot use the prefix of this URL: expected at most ${longestPrefixBytes} bytes`);
}
