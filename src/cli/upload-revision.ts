import { createHash } from 'node:crypto';
import { createReadStream, openSync, statSync } from 'node:fs';
import { pipeline } from 'node:stream/promises';
import type { BundleType } from '../protocol/specification.ts';
import { SILENT_LOGGER } from '../revision/store-answer.ts';
import { type BundleRequest, type PreparedBundle, withBundle } from './bundle-to-push.ts';
import type { Connection } from './connection.ts';
import type { CliContext } from './context.ts';
import { agentsThatHearOut } from './heard-out.ts';
import { uploadFault } from './upload-fault.ts';

/** An S3 revision as the management API has it. */
export interface UploadedRevision {
  readonly revisionType: 'S3';
  readonly s3Location: {
    readonly bucket: string;
    readonly key: string;
    readonly bundleType: BundleType;
    readonly eTag: string;
    readonly version?: string;
  };
}

export interface UploadRequest extends BundleRequest {
  /** null: the server's own revision store. */
  readonly s3Location: { readonly bucket: string; readonly key: string } | null;
  readonly s3EndpointUrl: string | null;
  readonly description: string | null;
}

/**
 * Uploads a bundle with its signatures over the S3 API and registers it as a revision of the application.
 *
 * @throws SlipwayError CLI_BAD_REVISION, ARCHIVE_… or CLI_CANNOT_SIGN, as `withBundle` does; CLI_UPLOAD_FAILED when the store refuses
 */
export async function uploadRevision(
  ctx: CliContext,
  connection: Connection,
  request: UploadRequest,
): Promise<UploadedRevision> {
  return withBundle(ctx, request, async (bundle) => {
    const s3Location = await putBundle(ctx, connection, request, bundle);
    const revision: UploadedRevision = { revisionType: 'S3', s3Location };
    await connection.client.call('RegisterApplicationRevision', {
      applicationName: request.application,
      revision,
      ...(request.description === null ? {} : { description: request.description }),
    });
    return revision;
  });
}

async function putBundle(
  ctx: CliContext,
  connection: Connection,
  request: UploadRequest,
  { bundleFile, bundleType, signatures }: PreparedBundle,
): Promise<UploadedRevision['s3Location']> {
  const server = await connection.client.call('DescribeServer', {});
  const endpoint = request.s3EndpointUrl ?? server.s3Endpoint ?? connection.endpoint;
  const { S3Client, PutObjectCommand } = await import('@aws-sdk/client-s3');
  const client = new S3Client({
    endpoint,
    region: connection.region,
    credentials: connection.credentials,
    forcePathStyle: true,
    requestChecksumCalculation: 'WHEN_REQUIRED',
    logger: SILENT_LOGGER,
    requestHandler: agentsThatHearOut(),
  });
  const bucket = request.s3Location?.bucket ?? server.revisionBucket;
  const key = request.s3Location?.key ?? revisionKey(ctx, request.application, bundleType);
  const put = async (file: string, objectKey: string) => {
    // The SDK leaves the content of streams out of the signature. Signed, nobody can exchange the bundle on the way, also without TLS.
    const sha256 = await sha256Of(file);
    // Opened here: what is refused before a byte of it is read may leave a file behind that is opened when the folder is gone.
    const body = createReadStream(file, { fd: openSync(file, 'r') });
    // The SDK hears it only while it reads.
    body.on('error', () => undefined);
    const command = new PutObjectCommand({
      Bucket: bucket,
      Key: objectKey,
      Body: body,
      ContentLength: statSync(file).size,
    });
    command.middlewareStack.add(
      (next) => (args) => {
        (args.request as { headers: Record<string, string> }).headers['x-amz-content-sha256'] = sha256;
        return next(args);
      },
      { step: 'build', name: 'signedContent', priority: 'low' },
    );
    try {
      return await client.send(command);
    } finally {
      body.destroy();
    }
  };
  try {
    // Whoever finds the bundle finds its signature.
    for (const { signatureFile, suffix } of signatures) await put(signatureFile, `${key}${suffix}`);
    const answer = await put(bundleFile, key);
    return {
      bucket,
      key,
      bundleType,
      eTag: (answer.ETag ?? '').replaceAll('"', ''),
      ...(answer.VersionId === undefined ? {} : { version: answer.VersionId }),
    };
  } catch (cause) {
    throw uploadFault(`s3://${bucket}/${key} at ${endpoint}`, cause);
  } finally {
    client.destroy();
  }
}

async function sha256Of(file: string): Promise<string> {
  const hash = createHash('sha256');
  await pipeline(createReadStream(file), hash);
  return hash.digest('hex');
}

/** `my-app/20260131T140509Z-k3x9.zip`: sorts by time, and two people who push in the same second do not collide. */
function revisionKey(ctx: CliContext, application: string, bundleType: BundleType): string {
  const time = new Date(ctx.clock.now()).toISOString().replace(/[-:]|\.\d+/g, '');
  const suffix = ctx.random.text(4, 'abcdefghijklmnopqrstuvwxyz0123456789');
  return `${application}/${time}-${suffix}.${bundleType}`;
}
