import { Readable } from 'node:stream';
import { GetObjectCommand, type GetObjectCommandOutput, S3Client, S3ServiceException } from '@aws-sdk/client-s3';
import { HttpsProxyAgent } from 'https-proxy-agent';
import { isSlipwayError, messageOf, SlipwayError } from '../errors.ts';
import type { S3Revision } from '../protocol/specification.ts';
import { type BundleWriter, createBundleWriter } from './bundle-writer.ts';
import type { FetchedBundle, FetchRequest, RevisionContext } from './fetch-bundle.ts';

/** A broken connection is taken up again where it broke, this often. */
const MAX_RESUMES = 5;
const RESUME_WAIT_MS = 1_000;
/** A server that sends nothing for this long has gone; how long the whole takes does not matter. */
const NO_PROGRESS_MS = 60_000;

/**
 * Downloads an S3 revision with the host's credentials, and checks its ETag if the specification names one.
 *
 * @throws SlipwayError REVISION_NOT_FOUND, REVISION_DENIED, REVISION_CHANGED, REVISION_UNREACHABLE, REVISION_DISK_FULL
 */
export async function fetchFromS3(
  ctx: RevisionContext,
  revision: S3Revision,
  request: FetchRequest,
): Promise<FetchedBundle> {
  const client = createClient(ctx, revision);
  const writer = createBundleWriter(request.bundleFile);
  try {
    const eTag = await download(ctx, client, revision, writer, request.signal);
    writer.finish();
    return { eTag, sizeBytes: writer.bytes };
  } finally {
    writer.discard();
    client.destroy();
  }
}

function createClient(ctx: RevisionContext, revision: S3Revision): S3Client {
  const override = ctx.s3EndpointOverride;
  return new S3Client({
    region: ctx.region,
    credentials: ctx.credentials,
    useFipsEndpoint: ctx.useFipsMode && override === null,
    followRegionRedirects: true,
    // Host names cannot be made of addresses, of names that are not in any DNS, or of buckets with dots.
    forcePathStyle: override !== null || revision.bucket.includes('.'),
    ...(override === null ? {} : { endpoint: override }),
    // Only what the store itself computed can be checked; older stores compute nothing.
    responseChecksumValidation: 'WHEN_REQUIRED',
    requestHandler: {
      requestTimeout: NO_PROGRESS_MS,
      ...(ctx.proxyUri === null
        ? {}
        : { httpsAgent: new HttpsProxyAgent(ctx.proxyUri), httpAgent: new HttpsProxyAgent(ctx.proxyUri) }),
    },
  });
}

async function download(
  ctx: RevisionContext,
  client: S3Client,
  revision: S3Revision,
  writer: BundleWriter,
  signal: AbortSignal | undefined,
): Promise<string | null> {
  let eTag: string | null = null;
  for (let resumes = 0; ; resumes += 1) {
    const answer = await getObject(ctx, client, revision, { from: writer.bytes, eTag }, signal);
    eTag = answer.ETag ?? null;
    requireETag(revision, eTag);
    try {
      await readBody(answer, writer, signal);
      return eTag?.replaceAll('"', '') ?? null;
    } catch (cause) {
      signal?.throwIfAborted();
      if (isSlipwayError(cause)) throw cause;
      if (resumes >= MAX_RESUMES || eTag === null) throw unreachable(revision, cause);
      ctx.log.warn('the download of the bundle broke off and is taken up again', { bytes: writer.bytes, error: cause });
      await ctx.clock.sleep(RESUME_WAIT_MS * 2 ** resumes, signal);
    }
  }
}

async function getObject(
  ctx: RevisionContext,
  client: S3Client,
  revision: S3Revision,
  have: { readonly from: number; readonly eTag: string | null },
  signal: AbortSignal | undefined,
): Promise<GetObjectCommandOutput> {
  const command = new GetObjectCommand({
    Bucket: revision.bucket,
    Key: revision.key,
    ...(revision.version === null ? {} : { VersionId: revision.version }),
    // The rest must be of the same object as the beginning.
    ...(have.from === 0 || have.eTag === null ? {} : { Range: `bytes=${have.from}-`, IfMatch: have.eTag }),
  });
  try {
    return await client.send(command, signal === undefined ? {} : { abortSignal: signal });
  } catch (cause) {
    signal?.throwIfAborted();
    throw s3Fault(ctx, revision, cause);
  }
}

async function readBody(
  answer: GetObjectCommandOutput,
  writer: BundleWriter,
  signal: AbortSignal | undefined,
): Promise<void> {
  const body = answer.Body;
  if (!(body instanceof Readable)) throw new Error('the answer has no body');
  const expected = answer.ContentLength;
  let received = 0;
  const progress = watchProgress(body);
  try {
    for await (const chunk of body) {
      signal?.throwIfAborted();
      progress.seen();
      writer.write(chunk as Buffer);
      received += (chunk as Buffer).length;
    }
  } finally {
    progress.stop();
    body.destroy();
  }
  if (expected !== undefined && received !== expected) throw new Error(`only ${received} of ${expected} bytes came`);
}

function watchProgress(body: Readable): { seen(): void; stop(): void } {
  const timer = setTimeout(
    () => body.destroy(new Error(`nothing came for ${NO_PROGRESS_MS / 1000} seconds`)),
    NO_PROGRESS_MS,
  );
  return { seen: () => void timer.refresh(), stop: () => clearTimeout(timer) };
}

function requireETag(revision: S3Revision, eTag: string | null): void {
  if (revision.eTag === null || eTag === null) return;
  const found = eTag.replaceAll('"', '');
  if (found === revision.eTag) return;
  throw new SlipwayError(
    'REVISION_CHANGED',
    `${nameOf(revision)} is not the revision that was deployed: its ETag is ${found}, but ${revision.eTag} was expected`,
  );
}

function s3Fault(ctx: RevisionContext, revision: S3Revision, cause: unknown): SlipwayError {
  if (!(cause instanceof S3ServiceException)) return unreachable(revision, cause, ctx);
  const status = cause.$metadata.httpStatusCode ?? 0;
  const what = `${nameOf(revision)} could not be downloaded: the store answered ${status} ${cause.name}: ${cause.message}`;
  if (status === 404) return new SlipwayError('REVISION_NOT_FOUND', what, { cause });
  if (status === 401 || status === 403) return new SlipwayError('REVISION_DENIED', what, { cause });
  if (status === 412) {
    return new SlipwayError('REVISION_CHANGED', `${nameOf(revision)} was replaced while it was downloaded`, { cause });
  }
  return new SlipwayError('REVISION_UNREACHABLE', what, { cause });
}

function unreachable(revision: S3Revision, cause: unknown, ctx?: RevisionContext): SlipwayError {
  const where = ctx?.s3EndpointOverride ?? null;
  return new SlipwayError(
    'REVISION_UNREACHABLE',
    `${nameOf(revision)} could not be downloaded${where === null ? '' : ` from ${where}`}: ${messageOf(cause)}`,
    { cause },
  );
}

function nameOf(revision: S3Revision): string {
  const version = revision.version === null ? '' : ` (version ${revision.version})`;
  return `s3://${revision.bucket}/${revision.key}${version}`;
}
