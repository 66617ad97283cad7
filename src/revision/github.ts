import { isSlipwayError, messageOf, SlipwayError } from '../errors.ts';
import type { GitHubRevision } from '../protocol/specification.ts';
import { download } from './download.ts';
import type { DownloadSource } from './download-source.ts';
import { isTemporaryStatus } from './hopeless.ts';
import { drain, getHttp } from './http.ts';
import type { FetchedBundle, FetchRequest, RevisionContext } from './types.ts';

/** @see the official agent 1.8.1, `command_executor.rb` */
const RETRY_WAITS_MS = [10_000, 30_000, 90_000] as const;

/**
 * Downloads a commit as GitHub's archive. It is packed anew for each that asks, so there are no pieces and nothing to go on with.
 *
 * @throws SlipwayError REVISION_NOT_FOUND, REVISION_DENIED or REVISION_UNREACHABLE with the address, the tries and their statuses
 */
export function fetchFromGitHub(
  ctx: RevisionContext,
  revision: GitHubRevision,
  request: FetchRequest,
): Promise<FetchedBundle> {
  const source = gitHubSource(ctx, revision, request.gitHubAccessToken);
  return download({ ...ctx, tuning: { ...ctx.tuning, retryWaitsMs: RETRY_WAITS_MS } }, source, request);
}

class HttpStatusError extends Error {
  override readonly name = 'HttpStatusError';
  readonly status: number;
  readonly mayMend: boolean;
  constructor(status: number, url: string, isLimited: boolean) {
    super(`${url} answered ${status}`);
    this.status = status;
    this.mayMend = isLimited || isTemporaryStatus(status);
  }
}

function gitHubSource(ctx: RevisionContext, revision: GitHubRevision, token: string | null): DownloadSource {
  const url = archiveUrl(ctx.gitHubEndpoint, revision);
  const tries: string[] = [];
  const headers = {
    accept: 'application/vnd.github+json',
    ...(token === null ? {} : { authorization: `token ${token}` }),
  };
  const fail = (cause: unknown) => gitHubFault(url, tries, cause, token !== null);
  return {
    name: url,
    identity: url,
    async open(_range, _validator, signal) {
      try {
        const answer = await getHttp(ctx, url, headers, signal);
        if (answer.status !== 200) {
          await drain(answer.body);
          // GitHub says so as well to who has asked too often.
          const { 'retry-after': retryAfter, 'x-ratelimit-remaining': remaining } = answer.headers;
          const isLimited = answer.status === 403 && (retryAfter !== undefined || remaining === '0');
          throw new HttpStatusError(answer.status, url, isLimited);
        }
        tries.push('200');
        const length = answer.headers['content-length'];
        const sizeBytes = length === undefined ? null : Number(length);
        return { body: answer.body, range: null, sizeBytes, validator: null, eTag: null, hasOpaqueETag: true };
      } catch (cause) {
        if (signal.aborted || isSlipwayError(cause)) throw cause;
        tries.push(cause instanceof HttpStatusError ? String(cause.status) : messageOf(cause));
        throw cause instanceof HttpStatusError && !cause.mayMend ? fail(cause) : cause;
      }
    },
    expectedDigest: () => Promise.resolve(null),
    unreachable: fail,
  };
}

function archiveUrl(endpoint: string, revision: GitHubRevision): string {
  const kind = revision.bundleType === 'zip' ? 'zipball' : 'tarball';
  const parts = ['repos', revision.account, revision.repository, kind, ...revision.commitId.split('/')];
  return `${endpoint.replace(/\/$/, '')}/${parts.map(encodeURIComponent).join('/')}`;
}

function gitHubFault(url: string, tries: readonly string[], cause: unknown, hadToken: boolean): SlipwayError {
  const status = cause instanceof HttpStatusError ? cause.status : null;
  const message = `${url} could not be downloaded after ${tries.length - 1} retries (${tries.join(', ')}): ${messageOf(cause)}`;
  if (status === 404 || status === 410) {
    return new SlipwayError('REVISION_NOT_FOUND', message, {
      cause,
      remedy: hadToken
        ? 'Check account, repository and commit, and that the token may read this repository.'
        : 'Check account, repository and commit; GitHub answers 404 as well for a private repository that was asked for without a token.',
    });
  }
  if (status === 401 || status === 403) {
    return new SlipwayError('REVISION_DENIED', message, {
      cause,
      remedy: hadToken
        ? 'Check that the token has not expired and may read the contents of this repository.'
        : 'GitHub lets few requests an hour pass without a token; give the deployment one.',
    });
  }
  return new SlipwayError('REVISION_UNREACHABLE', message, {
    cause,
    remedy: 'Check github_endpoint, DNS, proxies and firewalls from this host.',
  });
}
