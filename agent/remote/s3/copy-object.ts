/**
 * Copies an object within its bucket. The store does it; one that is large is copied piece by piece.
 *
 * @source Amazon S3 API Reference: CopyObject, UploadPartCopy
 */
import { GiB } from '../../binary/units.ts';
import { MultipartUpload } from './multipart-upload.ts';
import type { S3Access } from './s3-access.ts';
import { copySource } from './s3-names.ts';
import { readXml, XmlError } from './xml.ts';

/** A store copies at most 5 GiB in one request; 1 GiB is answered sooner, and 5 TiB are 5,120 pieces. */
const mostPieceBytes = GiB;

export type CopyRequest = {
  readonly from: string;
  readonly to: string;
  readonly sizeBytes: number;
  /** From 5 MiB on. Default 1 GiB. */
  readonly pieceBytes?: number;
};

/** @throws RemoteError; nothing of the copy stays then. */
export async function copyObject(access: S3Access, request: CopyRequest): Promise<void> {
  const { from, to, sizeBytes, pieceBytes = mostPieceBytes } = request;
  if (sizeBytes > pieceBytes) return await copyByPieces(access, { from, to, sizeBytes, pieceBytes });
  const headers = { 'x-amz-copy-source': copySource(access.place, from) };
  await access.ask({ what: 'copy an object', method: 'PUT', key: to, headers, lateError: true }, ({ body }) => {
    if (readXml(body).name !== 'CopyObjectResult')
      throw new XmlError('xml/bad', 'Cannot read the answer: expected that the object is copied');
  });
}

async function copyByPieces(access: S3Access, { from, to, sizeBytes, pieceBytes }: Required<CopyRequest>): Promise<void> {
  const upload = await MultipartUpload.begin(access, to);
  try {
    for (let start = 0, number = 1; start < sizeBytes; start += pieceBytes, number++) {
      await upload.copy(number, { from, start, end: Math.min(start + pieceBytes, sizeBytes) });
    }
    await upload.complete();
  } finally {
    await upload.abort();
  }
}
