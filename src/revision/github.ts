import { once } from 'node:events';
import type { Readable } from 'node:stream';
import axios, { type AxiosResponse } from 'axios';
import { HttpsProxyAgent } from 'https-proxy-agent';
import { isSlipwayError, messageOf, SlipwayError } from '../errors.ts';
import type { GitHubRevision } from '../protocol/specification.ts';
import { createBundleWriter } from './bundle-writer.ts';
import type { FetchedBundle, FetchRequest, RevisionContext } from './fetch-bundle.ts';

/** @see the official agent 1.8.1, `command_executor.rb` */
const RETRY_WAITS_MS = [10_000, 30_000, 90_000] as const;
/** Asking again does not help against these. */
const HOPELESS: ReadonlySet<number> = new Set([401, 404, 410, 422]);
const MAX_REDIRECTS = 5;
const ANSWER_TIMEOUT_MS = 60_000;

/**
 * Downloads a commit as GitHub's archive.
 *
 * @throws SlipwayError REVISION_NOT_FOUND, REVISION_DENIED or REVISION_UNREACHABLE with the address, the tries and their statuses
 */
export async function fetchFromGitHub(
  ctx: RevisionContext,
  revision: GitHubRevision,
  request: FetchRequest,
): Promise<FetchedBundle> {
  const url = archiveUrl(ctx.gitHubEndpoint, revision);
  const tries: string[] = [];
  for (;;) {
    try {
      return await fetchOnce(ctx, url, request);
    } catch (cause) {
      request.signal?.throwIfAborted();
      // A full disk does not get emptier by asking GitHub again.
      if (isSlipwayError(cause)) throw cause;
      tries.push(cause instanceof HttpStatusError ? String(cause.status) : messageOf(cause));
      const waitMs = RETRY_WAITS_MS[tries.length - 1];
      const isHopeless = cause instanceof HttpStatusError && HOPELESS.has(cause.status);
      if (waitMs === undefined || isHopeless) throw gitHubFault(url, tries, cause, request.gitHubAccessToken !== null);
      ctx.log.warn('the download from GitHub failed and is tried again', { url, waitMs, error: cause });
      await ctx.clock.sleep(waitMs, request.signal);
    }
  }
}

class HttpStatusError extends Error {
  override readonly name = 'HttpStatusError';
  readonly status: number;
  constructor(status: number, url: string) {
    super(`${url} answered ${status}`);
    this.status = status;
  }
}

function archiveUrl(endpoint: string, revision: GitHubRevision): string {
  const kind = revision.bundleType === 'zip' ? 'zipball' : 'tarball';
  const parts = ['repos', revision.account, revision.repository, kind, ...revision.commitId.split('/')];
  return `${endpoint.replace(/\/$/, '')}/${parts.map(encodeURIComponent).join('/')}`;
}

async function fetchOnce(ctx: RevisionContext, url: string, request: FetchRequest): Promise<FetchedBundle> {
  const answer = await follow(ctx, url, request);
  const writer = createBundleWriter(request.bundleFile);
  try {
    for await (const chunk of answer.data) {
      request.signal?.throwIfAborted();
      writer.write(chunk as Buffer);
    }
    const expected = Number(answer.headers['content-length'] ?? Number.NaN);
    if (!Number.isNaN(expected) && expected !== writer.bytes)
      throw new Error(`only ${writer.bytes} of ${expected} bytes came`);
    writer.finish();
    return { eTag: null, sizeBytes: writer.bytes };
  } finally {
    answer.data.destroy();
    writer.discard();
  }
}

/** Follows redirects by hand: the token is GitHub's and must not go to the host that the archive comes from. */
async function follow(ctx: RevisionContext, first: string, request: FetchRequest): Promise<AxiosResponse<Readable>> {
  const proxy = ctx.proxyUri === null ? null : new HttpsProxyAgent(ctx.proxyUri);
  let url = new URL(first);
  for (let redirects = 0; redirects <= MAX_REDIRECTS; redirects += 1) {
    const mayHaveToken = url.origin === new URL(first).origin && request.gitHubAccessToken !== null;
    const answer: AxiosResponse<Readable> = await axios.get(url.href, {
      responseType: 'stream',
      maxRedirects: 0,
      decompress: false,
      timeout: ANSWER_TIMEOUT_MS,
      validateStatus: () => true,
      headers: {
        'user-agent': 'slipway',
        accept: 'application/vnd.github+json',
        ...(mayHaveToken ? { authorization: `token ${request.gitHubAccessToken}` } : {}),
      },
      ...(proxy === null ? {} : { proxy: false, httpAgent: proxy, httpsAgent: proxy }),
      ...(request.signal === undefined ? {} : { signal: request.signal }),
    });
    if (answer.status === 200) return answer;
    const location = answer.headers['location'] as string | undefined;
    await drain(answer.data);
    if (answer.status < 300 || answer.status >= 400 || location === undefined)
      throw new HttpStatusError(answer.status, url.href);
    url = new URL(location, url);
  }
  throw new Error(`${first} redirects more than ${MAX_REDIRECTS} times`);
}

async function drain(body: Readable): Promise<void> {
  if (body.destroyed) return;
  const closed = once(body, 'close');
  body.destroy();
  await closed;
}

function gitHubFault(url: string, tries: readonly string[], cause: unknown, hadToken: boolean): SlipwayError {
  const status = cause instanceof HttpStatusError ? cause.status : null;
  const message = `${url} could not be downloaded after ${tries.length - 1} retries (${tries.join(', ')})`;
  if (status === 404) {
    return new SlipwayError('REVISION_NOT_FOUND', message, {
      cause,
      remedy: hadToken
        ? 'Check account, repository and commit, and that the token may read this repository.'
        : 'Check account, repository and commit; GitHub answers 404 as well for a private repository that was asked for without a token.',
    });
  }
  if (status === 401 || status === 403) return new SlipwayError('REVISION_DENIED', message, { cause });
  return new SlipwayError('REVISION_UNREACHABLE', message, { cause });
}
