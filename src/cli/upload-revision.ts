import { createReadStream, existsSync, mkdtempSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { appSpecCandidates } from '../appspec/filenames.ts';
import { parseAppSpec } from '../appspec/parse.ts';
import { renderFindings } from '../appspec/render.ts';
import { packBundle } from '../archive/pack.ts';
import { readAppSpecText } from '../deployment/find-appspec.ts';
import { messageOf, SlipwayError } from '../errors.ts';
import type { BundleType } from '../protocol/specification.ts';
import type { Connection } from './connection.ts';
import type { CliContext } from './context.ts';
import type { SignedBundle } from './sign-bundle.ts';

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

export interface UploadRequest {
  readonly sourceDir: string;
  readonly application: string;
  readonly bundleType: BundleType;
  /** null: the server's own revision store. */
  readonly s3Location: { readonly bucket: string; readonly key: string } | null;
  readonly s3EndpointUrl: string | null;
  readonly description: string | null;
  /** null: it is not signed. */
  readonly signKey: string | null;
}

/**
 * Bundles a folder, uploads it over the S3 API and registers it as a revision of the application.
 *
 * The AppSpec file is read with the agent's own parser first: what no host could deploy is not uploaded.
 *
 * @throws SlipwayError CLI_BAD_REVISION for a folder without a sound AppSpec file; CLI_UPLOAD_FAILED when the store refuses
 */
export async function uploadRevision(
  ctx: CliContext,
  connection: Connection,
  request: UploadRequest,
): Promise<UploadedRevision> {
  const sourceDir = resolve(ctx.workingDirectory, request.sourceDir);
  requireSoundAppSpec(sourceDir);
  const workDir = mkdtempSync(join(tmpdir(), 'slipway-push-'));
  try {
    const bundleFile = join(workDir, `bundle.${request.bundleType}`);
    await packBundle({ sourceDir, bundleFile, bundleType: request.bundleType });
    const signed = await signIfWanted(ctx, request, bundleFile);
    const s3Location = await putBundle(ctx, connection, request, bundleFile, signed);
    const revision: UploadedRevision = { revisionType: 'S3', s3Location };
    await connection.client.call('RegisterApplicationRevision', {
      applicationName: request.application,
      revision,
      ...(request.description === null ? {} : { description: request.description }),
    });
    return revision;
  } finally {
    rmSync(workDir, { recursive: true, force: true });
  }
}

async function signIfWanted(
  ctx: CliContext,
  { signKey, application }: UploadRequest,
  bundleFile: string,
): Promise<SignedBundle | null> {
  if (signKey === null) return null;
  const { signBundle } = await import('./sign-bundle.ts');
  const signed = await signBundle(ctx, { bundleFile, keyFile: resolve(ctx.workingDirectory, signKey), application });
  ctx.stderr.write(`signed with ${signed.keyId} for ${application}\n`);
  return signed;
}

/** Throws unless the folder holds an AppSpec file that the agent would accept. */
function requireSoundAppSpec(sourceDir: string): void {
  if (!existsSync(sourceDir) || !statSync(sourceDir).isDirectory()) {
    throw new SlipwayError('CLI_BAD_REVISION', `${sourceDir} is not a folder`);
  }
  const filename = appSpecCandidates('appspec.yml').find((name) => existsSync(join(sourceDir, name)));
  if (filename === undefined) throw new SlipwayError('CLI_BAD_REVISION', `${sourceDir} has no appspec.yml in its root`);
  const text = readAppSpecText(join(sourceDir, filename));
  const result = parseAppSpec(text, { filename, platform: 'linux' });
  if (!result.ok) {
    throw new SlipwayError(
      'CLI_BAD_REVISION',
      `the AppSpec file cannot be deployed\n${renderFindings(result.findings, text, join(sourceDir, filename))}`,
    );
  }
}

async function putBundle(
  ctx: CliContext,
  connection: Connection,
  request: UploadRequest,
  bundleFile: string,
  signed: SignedBundle | null,
): Promise<UploadedRevision['s3Location']> {
  const server = await connection.client.call('DescribeServer', {});
  const { S3Client, PutObjectCommand } = await import('@aws-sdk/client-s3');
  const client = new S3Client({
    endpoint: request.s3EndpointUrl ?? server.s3Endpoint,
    region: connection.region,
    credentials: connection.credentials,
    forcePathStyle: true,
  });
  const bucket = request.s3Location?.bucket ?? server.revisionBucket;
  const key = request.s3Location?.key ?? revisionKey(ctx, request);
  const put = (file: string, objectKey: string) =>
    client.send(
      new PutObjectCommand({
        Bucket: bucket,
        Key: objectKey,
        Body: createReadStream(file),
        ContentLength: statSync(file).size,
      }),
    );
  try {
    // Whoever finds the bundle finds its signature.
    if (signed !== null) await put(signed.signatureFile, `${key}${signed.suffix}`);
    const answer = await put(bundleFile, key);
    return {
      bucket,
      key,
      bundleType: request.bundleType,
      eTag: (answer.ETag ?? '').replaceAll('"', ''),
      ...(answer.VersionId === undefined ? {} : { version: answer.VersionId }),
    };
  } catch (cause) {
    throw new SlipwayError(
      'CLI_UPLOAD_FAILED',
      `the bundle could not be stored as s3://${bucket}/${key} at ${request.s3EndpointUrl ?? server.s3Endpoint}: ${messageOf(cause)}`,
      { cause },
    );
  } finally {
    client.destroy();
  }
}

/** `my-app/20260131T140509Z-k3x9.zip`: sorts by time, and two people who push in the same second do not collide. */
function revisionKey(ctx: CliContext, request: UploadRequest): string {
  const time = new Date(ctx.clock.now()).toISOString().replace(/[-:]|\.\d+/g, '');
  const suffix = ctx.random.text(4, 'abcdefghijklmnopqrstuvwxyz0123456789');
  return `${request.application}/${time}-${suffix}.${request.bundleType}`;
}
