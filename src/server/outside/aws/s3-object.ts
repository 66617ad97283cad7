/** Reads a small object of S3 as a whole. */
import type { Readable } from 'node:stream';
import type { S3Client } from '@aws-sdk/client-s3';
import { readUpTo, TooLong } from '../read-answer.ts';
import type { ReadObject } from '../revision-object.ts';
import { AwsFault, callAws } from './aws-fault.ts';
import { onFirstUse } from './optional-client.ts';

/** @param region as `eu-central-1` @throws AwsFault from each call, but for an object that is missing */
export function createObjectReader(region: string): ReadObject {
  const clientOf = s3ClientOnFirstUse(region);
  return async ({ bucket, key, version }, maxBytes, abortSignal) => {
    try {
      return await callAws(`GetObject s3://${bucket}/${key}`, async () =>
        read(await clientOf(), { bucket, key, version }, maxBytes, abortSignal),
      );
    } catch (error) {
      if (error instanceof AwsFault && /^NoSuch(Key|Bucket|Version)$/.test(error.awsCode)) return null;
      throw error;
    }
  };
}

/** A client that is made when it is asked for first. */
export function s3ClientOnFirstUse(region: string): () => Promise<S3Client> {
  return onFirstUse(async () => {
    const { S3Client: Client } = await import('@aws-sdk/client-s3');
    // A stand-in for S3 at an address of its own need not have a name for each bucket.
    return new Client({ region, maxAttempts: 2, followRegionRedirects: true, forcePathStyle: hasOwnEndpoint() });
  });
}

function hasOwnEndpoint(): boolean {
  return Boolean(process.env['AWS_ENDPOINT_URL_S3'] || process.env['AWS_ENDPOINT_URL']);
}

async function read(
  client: S3Client,
  { bucket, key, version }: Parameters<ReadObject>[0],
  maxBytes: number,
  abortSignal: AbortSignal,
): ReturnType<ReadObject> {
  const { GetObjectCommand } = await import('@aws-sdk/client-s3');
  const request = { Bucket: bucket, Key: key, ...(version === null ? {} : { VersionId: version }) };
  const { Body, ContentLength = 0, ETag = '' } = await client.send(new GetObjectCommand(request), { abortSignal });
  const body = Body as Readable | undefined;
  if (ContentLength > maxBytes) {
    body?.destroy();
    return 'too large';
  }
  try {
    return { bytes: await readUpTo(body ?? [], maxBytes), eTag: ETag.replaceAll('"', '') };
  } catch (error) {
    if (error instanceof TooLong) return 'too large';
    throw error;
  }
}
