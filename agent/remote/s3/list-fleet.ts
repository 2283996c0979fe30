/**
 * The captures of all machines that save to one place in a store. Comes in: a place. Goes out: a row a capture, with its manifest as it was written.
 *
 * What is read is bounded: pages of a listing, and one small object for each of the newest captures.
 */
import { decodeText } from '../../binary/text.ts';
import { MiB } from '../../binary/units.ts';
import type { RemoteEntry } from '../remote-store.ts';
import { timeInName } from '../stored-names.ts';
import { listObjects } from './list-bucket.ts';
import { getObject } from './objects.ts';
import { createS3Access, type S3Access, type S3Context } from './s3-access.ts';
import { whereOf } from './s3-names.ts';

const manifestName = 'manifest.json';
/** A hundred pages. */
const mostObjects = 100_000;
const mostManifestBytes = 4 * MiB;
const atOnce = 8;

export type FleetCapture = {
  readonly machineId: string;
  /** As `formatDumpName` makes it, or whatever somebody put there. */
  readonly name: string;
  /** A URL without secrets. */
  readonly where: string;
  readonly files: readonly RemoteEntry[];
  /** Any text; nobody has looked at it. `undefined`: there is none, or it is too large or gone by now. */
  readonly manifest: string | undefined;
};

export type Fleet = {
  /** Oldest first, by the end of their names. */
  readonly captures: readonly FleetCapture[];
  /** There is more in the bucket than is listed. */
  readonly isCut: boolean;
};

/**
 * @param mostCaptures the newest ones.
 * @throws RemoteError
 */
export async function listFleet(context: S3Context, mostCaptures = 2000): Promise<Fleet> {
  const access = createS3Access(context);
  const { prefix } = access.place;
  const root = prefix === '' ? '' : `${prefix}/`;
  const { objects, isCut } = await listObjects(access, { prefix: root, most: mostObjects });
  const folders = groupByFolder(access, root, objects);
  const sorted = [...folders].sort((a, b) =>
    timeInName(a.name) < timeInName(b.name) ? -1 : timeInName(a.name) > timeInName(b.name) ? 1 : 0,
  );
  const newest = sorted.slice(-mostCaptures);
  return { captures: await withManifests(access, root, newest), isCut: isCut || newest.length < sorted.length };
}

type Folder = Omit<FleetCapture, 'manifest'>;

function groupByFolder(access: S3Access, root: string, objects: readonly { key: string; sizeBytes: number }[]): readonly Folder[] {
  const folders = new Map<string, Folder & { readonly files: RemoteEntry[] }>();
  for (const { key, sizeBytes } of objects) {
    const [machineId, name, file, ...deeper] = key.slice(root.length).split('/');
    if (file === undefined || file === '' || deeper.length > 0) continue;
    const folder = folders.get(`${machineId}/${name}`) ?? {
      machineId,
      name,
      where: whereOf(access.place, `${root}${machineId}/${name}`),
      files: [],
    };
    folder.files.push({ name: file, sizeBytes });
    folders.set(`${machineId}/${name}`, folder);
  }
  return [...folders.values()];
}

async function withManifests(access: S3Access, root: string, folders: readonly Folder[]): Promise<readonly FleetCapture[]> {
  const captures: FleetCapture[] = folders.map((folder) => ({ ...folder, manifest: undefined }));
  let next = 0;
  const work = async () => {
    for (let index = next++; index < captures.length; index = next++) captures[index] = await withManifest(access, root, captures[index]);
  };
  await Promise.all(Array.from({ length: atOnce }, work));
  return captures;
}

async function withManifest(access: S3Access, root: string, capture: FleetCapture): Promise<FleetCapture> {
  const file = capture.files.find(({ name }) => name === manifestName);
  if (file === undefined || file.sizeBytes > mostManifestBytes) return capture;
  const bytes = await getObject(access, `${root}${capture.machineId}/${capture.name}/${manifestName}`, mostManifestBytes);
  return bytes === undefined ? capture : { ...capture, manifest: decodeText(bytes) };
}
