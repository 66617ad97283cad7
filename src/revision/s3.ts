import { Readable } from 'node:stream';
import {
  GetObjectCommand,
  type GetObjectCommandOutput,
  HeadObjectCommand,
  S3Client,
  S3ServiceException,
} from '@aws-sdk/client-s3';
import { HttpsProxyAgent } from 'https-proxy-agent';
import { isSlipwayError, messageOf, SlipwayError } from '../errors.ts';
import { proxyFor } from '../protocol/proxy.ts';
import { nameOfRevision } from '../protocol/revision-name.ts';
import type { S3Revision } from '../protocol/specification.ts';
import type { WireLog } from '../protocol/wire-log.ts';
import type { Clock } from '../system/clock.ts';
import { boundErrors, type RequestHandler } from './bounded-errors.ts';
import { type ByteRange, parseContentRange } from './byte-ranges.ts';
import type { ExpectedDigest } from './content-digest.ts';
import { download } from './download.ts';
import { type DownloadSource, ObjectChanged, type OpenedRange } from './download-source.ts';
import { isTemporaryStatus } from './hopeless.ts';
import { SILENT_LOGGER, storeAnswer } from './store-answer.ts';
import type { DownloadRequest, FetchedBundle, RevisionContext } from './types.ts';

/**
 * Downloads an S3 revision with the host's credentials, and checks its ETag if the specification names one.
 *
 * @throws SlipwayError REVISION_NOT_FOUND, REVISION_DENIED, REVISION_CHANGED, REVISION_UNREACHABLE, …
 */
export async function fetchFromS3(
  ctx: RevisionContext,
  revision: S3Revision,
  request: DownloadRequest,
): Promise<FetchedBundle> {
  const store = openStore(ctx, revision);
  try {
    await store.trust();
    return await download(ctx, s3Source(ctx, store, revision), request);
  } finally {
    store.close();
  }
}

/** S3 in the region where the bucket is, once that is known. */
interface S3Store {
  /** Loads the authorities to trust for the store, before the first request. */
  trust(): Promise<void>;
  send<T>(call: (client: S3Client) => Promise<T>): Promise<T>;
  close(): void;
}

/**
 * The SDK itself follows a 301 that names the bucket's region in a header. This code follows, once, two answers that the SDK does not. One
 * is a signature refused as one for another region, the other a 301 that names the region only in its text. Where the store's answer has
 * told the SDK how wrong this host's clock is, the request is signed anew, once.
 */
function openStore(ctx: RevisionContext, revision: S3Revision): S3Store {
  let client = createS3Client(ctx, revision.bucket);
  let hasMoved = false;
  let isCorrected = false;
  return {
    async trust() {
      const address = addressOf(client, ctx, revision.bucket);
      await ctx.trustFor(address, proxyFor(address, ctx.proxyUri, ctx.proxyEnvironment));
    },
    async send(call) {
      try {
        return await call(client);
      } catch (error) {
        if (hasLearntTime(error) && !isCorrected) {
          isCorrected = true;
          return await call(client);
        }
        const region = regionToldBy(error);
        if (region === null || region === ctx.region || hasMoved) throw error;
        hasMoved = true;
        ctx.log.debug('the bucket is in another region', { bucket: revision.bucket, region });
        client.destroy();
        client = createS3Client({ ...ctx, region }, revision.bucket);
        return call(client);
      }
    },
    close: () => client.destroy(),
  };
}

/** @see `@aws-sdk/core`, httpAuthSchemes: the signer notes so on the error that it has learnt from */
function hasLearntTime(error: unknown): boolean {
  const { clockSkewCorrected } =
    (error as { readonly $metadata?: { readonly clockSkewCorrected?: boolean } }).$metadata ?? {};
  return clockSkewCorrected === true;
}

function regionToldBy(error: unknown): string | null {
  if (!(error instanceof S3ServiceException)) return null;
  if (!['AuthorizationHeaderMalformed', 'PermanentRedirect'].includes(error.name)) return null;
  const { Region, Endpoint } = error as { readonly Region?: string; readonly Endpoint?: string };
  const region = Region ?? /\.s3[.-]([a-z0-9-]+)\.amazonaws\./.exec(Endpoint ?? '')?.[1];
  return region !== undefined && /^[a-z0-9-]{1,20}$/.test(region) ? region : null;
}

/** Exported for its tests: which host, region and style of address a bucket is asked at. */
export function createS3Client(ctx: RevisionContext, bucket: string): S3Client {
  const override = ctx.s3EndpointOverride;
  const client = new S3Client({
    region: ctx.region,
    credentials: ctx.credentials,
    // An address that was given is meant as it is.
    useFipsEndpoint: ctx.useFipsMode && override === null,
    useDualstackEndpoint: ctx.useDualStack && override === null,
    followRegionRedirects: true,
    // Tries are counted in one place, for all sources.
    maxAttempts: 1,
    forcePathStyle: needsPathStyle(ctx, bucket),
    ...(override === null ? {} : { endpoint: override }),
    // Of pieces there is no checksum; the whole is checked when it is here.
    responseChecksumValidation: 'WHEN_REQUIRED',
    logger: SILENT_LOGGER,
  });
  boundErrors(client.config.requestHandler as unknown as RequestHandler);
  const proxy = proxyFor(addressOf(client, ctx, bucket), ctx.proxyUri, ctx.proxyEnvironment);
  if (proxy !== null) {
    const agent = new HttpsProxyAgent(proxy);
    // Only now is it known where requests go, and so whether that host is exempt.
    const handler = client.config.requestHandler as unknown as ConfigurableHandler;
    for (const name of ['httpsAgent', 'httpAgent'] as const) handler.updateHttpClientConfig(name, agent);
  }
  if (ctx.wireLog !== undefined) tellOfRequests(client, ctx.wireLog, ctx.clock);
  return client;
}

/** The SDK's own handler of requests, as far as its settings go. */
interface ConfigurableHandler {
  updateHttpClientConfig(name: 'httpAgent' | 'httpsAgent', agent: HttpsProxyAgent<string>): void;
}

/** Host names cannot be made of addresses, of names that are not in any DNS, or of buckets with dots, which no certificate is for. */
function needsPathStyle({ s3EndpointOverride }: RevisionContext, bucket: string): boolean {
  return s3EndpointOverride !== null || bucket.includes('.');
}

/** Where the SDK will ask for an object of the bucket. Exported for its tests. */
export function addressOf(client: S3Client, ctx: RevisionContext, bucket: string): URL {
  if (ctx.s3EndpointOverride !== null) return new URL(ctx.s3EndpointOverride);
  return client.config.endpointProvider({
    Region: ctx.region,
    Bucket: bucket,
    UseFIPS: ctx.useFipsMode,
    UseDualStack: ctx.useDualStack,
    ForcePathStyle: needsPathStyle(ctx, bucket),
  }).url;
}

/** Logs each request as it goes out, retries and redirects included. Bodies are bundles, and stay out of a log. */
function tellOfRequests(client: S3Client, wireLog: WireLog, clock: Clock): void {
  client.middlewareStack.add(
    (next) => async (args) => {
      const { method, protocol, hostname, port, path, query, headers } = args.request as SdkRequest;
      const search = new URLSearchParams(query).toString();
      const url = `${protocol}//${hostname}${port === undefined ? '' : `:${port}`}${path}${search === '' ? '' : `?${search}`}`;
      const startedMs = clock.now();
      const tell = (answer: Parameters<WireLog>[0]['answer']) =>
        wireLog({ method, url, headers, body: null, answer, tookMs: clock.now() - startedMs });
      const tellAnswer = ({ statusCode, headers: answered }: SdkAnswer) =>
        tell({ status: statusCode, headers: answered, body: null });
      try {
        const result = await next(args);
        tellAnswer(result.response as SdkAnswer);
        return result;
      } catch (error) {
        const response = (error as { readonly $response?: SdkAnswer }).$response;
        if (response === undefined) tell({ error: messageOf(error) });
        else tellAnswer(response);
        throw error;
      }
    },
    // Outside of what makes errors of answers, inside of signing and retries.
    { step: 'deserialize', name: 'slipwayWireLog', priority: 'high' },
  );
}

/** Members of the SDK's request that the wire log reads. */
interface SdkRequest {
  readonly method: string;
  readonly protocol: string;
  readonly hostname: string;
  readonly port?: number;
  readonly path: string;
  readonly query: Record<string, string>;
  readonly headers: Readonly<Record<string, string>>;
}

interface SdkAnswer {
  readonly statusCode: number;
  readonly headers: Readonly<Record<string, string>>;
}

function s3Source(ctx: RevisionContext, store: S3Store, revision: S3Revision): DownloadSource {
  const name = nameOfRevision(revision);
  const place = {
    Bucket: revision.bucket,
    Key: revision.key,
    ...(revision.version === null ? {} : { VersionId: revision.version }),
  };
  const get = (range: ByteRange | null, validator: string | null, signal: AbortSignal) =>
    store.send((client) =>
      client.send(
        new GetObjectCommand({
          ...place,
          ...(range === null ? {} : { Range: `bytes=${range.from}-${range.to - 1}` }),
          ...(validator === null ? {} : { IfMatch: `"${validator}"` }),
        }),
        { abortSignal: signal },
      ),
    );
  return {
    name,
    identity: `${ctx.s3EndpointOverride ?? ctx.region} ${JSON.stringify(place)}`,
    async open(range, validator, signal) {
      try {
        const answer = await get(range, validator, signal).catch((error: unknown) => {
          // There is no first byte of an empty object.
          if (range.from === 0 && storeAnswer(error).status === 416) return get(null, validator, signal);
          throw error;
        });
        const status = answer.$metadata.httpStatusCode ?? 0;
        if (status !== 200 && status !== 206) throw emptyAnswer(revision, status);
        const opened = openedRange(answer);
        requireETag(revision, opened.eTag);
        return opened;
      } catch (error) {
        signal.throwIfAborted();
        if (isSlipwayError(error)) throw error;
        throw s3Fault(ctx, revision, error, validator !== null);
      }
    },
    async expectedDigest(opened, signal) {
      const md5 = md5OfETag(opened);
      if (md5 !== null) return md5;
      // Nobody watches over this answer, and the object's own body waits for it: sooner than that is given up.
      const soon = AbortSignal.any([signal, AbortSignal.timeout(ctx.tuning.noProgressMs / 2)]);
      try {
        const head = await store.send((client) =>
          client.send(new HeadObjectCommand({ ...place, ChecksumMode: 'ENABLED' }), { abortSignal: soon }),
        );
        if (head.ChecksumType === 'COMPOSITE' || head.ETag?.replaceAll('"', '') !== opened.eTag) return null;
        return (
          digestOf('sha256', head.ChecksumSHA256) ??
          digestOf('sha1', head.ChecksumSHA1) ??
          digestOf('crc32', head.ChecksumCRC32)
        );
      } catch (error) {
        signal.throwIfAborted();
        ctx.log.debug('the store says nothing about checksums', { source: name, error });
        return null;
      }
    },
    unreachable: (cause) => unreachable(ctx, revision, cause),
  };
}

/** The SDK takes every 2xx for an object. */
function emptyAnswer(revision: S3Revision, status: number): SlipwayError {
  const name = nameOfRevision(revision);
  return new SlipwayError('REVISION_UNREACHABLE', `${name} could not be downloaded: the store answered ${status}`);
}

function openedRange(answer: GetObjectCommandOutput): OpenedRange {
  if (!(answer.Body instanceof Readable)) throw new Error('the answer has no body');
  const contentRange = parseContentRange(answer.ContentRange);
  const eTag = answer.ETag?.replaceAll('"', '') ?? null;
  return {
    body: answer.Body,
    range: contentRange?.range ?? null,
    sizeBytes: contentRange?.sizeBytes ?? answer.ContentLength ?? null,
    validator: eTag,
    eTag,
    hasOpaqueETag: answer.SSECustomerAlgorithm !== undefined || (answer.ServerSideEncryption ?? 'AES256') !== 'AES256',
  };
}

/** Returns the MD5 that an object's ETag is. The object must be uploaded in one piece, and must not be encrypted with its owner's key. */
function md5OfETag({ eTag, hasOpaqueETag }: OpenedRange): ExpectedDigest | null {
  if (hasOpaqueETag || eTag === null || !/^[0-9a-f]{32}$/.test(eTag)) return null;
  return { algorithm: 'md5', hex: eTag, origin: 'its ETag' };
}

function digestOf(algorithm: ExpectedDigest['algorithm'], base64: string | undefined): ExpectedDigest | null {
  // With a dash and a count it is a checksum of checksums of parts.
  if (base64 === undefined || base64.includes('-')) return null;
  return { algorithm, hex: Buffer.from(base64, 'base64').toString('hex'), origin: `its x-amz-checksum-${algorithm}` };
}

function requireETag(revision: S3Revision, eTag: string | null): void {
  if (revision.eTag === null || eTag === null || eTag === revision.eTag) return;
  throw new SlipwayError(
    'REVISION_CHANGED',
    `${nameOfRevision(revision)} is not the revision that was deployed: its ETag is ${eTag}, but ${revision.eTag} was expected`,
  );
}

/** Remedies for the error codes of a store. */
const REMEDIES: Readonly<Record<string, string>> = {
  RequestTimeTooSkewed: 'This host’s clock is wrong: set it, and keep it right with NTP.',
  ExpiredToken: 'The host’s session credentials have expired: see that whoever refreshes them still runs.',
  InvalidAccessKeyId:
    'The store does not know the key: check which credentials the agent uses (s3_credentials_file, else its identity), and the region.',
  SignatureDoesNotMatch: 'The host’s secret key is not that of its key id, or a proxy changes requests on the way.',
  AccessDenied:
    'Let the host’s role or user do s3:GetObject on this key (s3:GetObjectVersion for a version, kms:Decrypt for an encrypted ' +
    'object); without s3:ListBucket the store answers so as well for a key that does not exist.',
  NoSuchBucket: 'Check the name of the bucket, and that s3_endpoint_override or the region is that of the bucket.',
  NoSuchVersion: 'This version was deleted; push the revision again and deploy that.',
  PermanentRedirect: 'The bucket is in another region: check the host’s region and s3_endpoint_override.',
  AuthorizationHeaderMalformed: 'The bucket is in another region: check the host’s region and s3_endpoint_override.',
  InvalidObjectState: 'The object is in an archive class: restore it, or push the revision again.',
};

/**
 * @param wasConditional the object had to be the one that the download began with
 * @returns a SlipwayError where asking again would not help
 */
function s3Fault(ctx: RevisionContext, revision: S3Revision, cause: unknown, wasConditional: boolean): unknown {
  const { status, code, words } = storeAnswer(cause);
  if (status === 0) return cause;
  if (status === 412 && wasConditional) return new ObjectChanged(`${nameOfRevision(revision)} was replaced`);
  if (isTemporaryStatus(status)) return cause;
  const from = ctx.s3EndpointOverride === null ? '' : ` from ${ctx.s3EndpointOverride}`;
  const isRefused = status === 401 || status === 403;
  const asWhom = isRefused && ctx.s3CredentialsFile !== null ? ` with the key of ${ctx.s3CredentialsFile}` : '';
  const what = `${nameOfRevision(revision)} could not be downloaded${from}${asWhom}: ${words}`;
  const remedy = code !== null && Object.hasOwn(REMEDIES, code) ? REMEDIES[code] : undefined;
  const options = remedy === undefined ? { cause } : { cause, remedy };
  if (status === 404 || status === 410) return new SlipwayError('REVISION_NOT_FOUND', what, options);
  if (isRefused) return new SlipwayError('REVISION_DENIED', what, options);
  return new SlipwayError('REVISION_UNREACHABLE', what, options);
}

function unreachable(ctx: RevisionContext, revision: S3Revision, cause: unknown): SlipwayError {
  const override = ctx.s3EndpointOverride;
  const where = override === null ? `S3 in ${ctx.region}` : override;
  const hints = [
    override !== null ? 'Check s3_endpoint_override' : 'Check the region',
    ...(override === null && ctx.useFipsMode ? ['that this region has FIPS endpoints (use_fips_mode)'] : []),
    ...(override === null && ctx.useDualStack ? ['that this region has dual-stack endpoints (use_dual_stack)'] : []),
  ];
  return new SlipwayError(
    'REVISION_UNREACHABLE',
    `${nameOfRevision(revision)} could not be downloaded from ${where}: ${storeAnswer(cause).words}`,
    { cause, remedy: `${hints.join(', ')}, DNS, proxies and firewalls from this host.` },
  );
}
