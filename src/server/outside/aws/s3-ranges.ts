/** Reads an object of S3 in pieces. */
import type { Readable } from 'node:stream';
import type { OpenObject } from '../open-object.ts';
import { readUpTo } from '../read-answer.ts';
import { AwsFault, callAws } from './aws-fault.ts';
import { s3ClientOnFirstUse } from './s3-object.ts';

/** @param region as `eu-central-1` @throws AwsFault from each call, but for an object that is missing */
export function createObjectOpener(region: string): OpenObject {
  const clientOf = s3ClientOnFirstUse(region);
  return async ({ bucket, key, version }, abortSignal) => {
    const name = `s3://${bucket}/${key}`;
    const request = { Bucket: bucket, Key: key, ...(version === null ? {} : { VersionId: version }) };
    const { GetObjectCommand, HeadObjectCommand } = await import('@aws-sdk/client-s3');
    const client = await clientOf();
    try {
      const { ContentLength = 0, ETag = '' } = await callAws(`HeadObject ${name}`, () =>
        client.send(new HeadObjectCommand(request), { abortSignal }),
      );
      return {
        ...{ sizeBytes: ContentLength, eTag: ETag.replaceAll('"', '') },
        read: (from, to) =>
          callAws(`GetObject ${name}`, async () => {
            // The object may be replaced meanwhile: pieces of two objects would make no sense.
            const range = { ...request, Range: `bytes=${from}-${to - 1}`, IfMatch: ETag };
            const { Body } = await client.send(new GetObjectCommand(range), { abortSignal });
            // A store that does not know ranges would send all of the object.
            return readUpTo((Body as Readable | undefined) ?? [], to - from);
          }),
      };
    } catch (error) {
      if (error instanceof AwsFault && /^(NotFound|NoSuch(Key|Bucket|Version))$/.test(error.awsCode)) return null;
      throw error;
    }
  };
}
