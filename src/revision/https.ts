import { messageOf, SlipwayError } from '../errors.ts';
import { nameOfUrl } from '../protocol/revision-name.ts';
import type { HttpsRevision } from '../protocol/specification.ts';
import { parseContentRange } from './byte-ranges.ts';
import { authorizationFor } from './credentials-file.ts';
import { download } from './download.ts';
import { type DownloadSource, ObjectChanged, type OpenedRange } from './download-source.ts';
import { isTemporaryStatus } from './hopeless.ts';
import { drain, getHttp, type HttpAnswer } from './http.ts';
import type { DownloadRequest, FetchedBundle, RevisionContext } from './types.ts';

/** A file of a web server; null: nobody knows its digest. */
type WebFile = Pick<HttpsRevision, 'url'> & { readonly sha256: string | null };

/**
 * Downloads a bundle from a web server and holds it against its SHA-256.
 *
 * @throws SlipwayError REVISION_NOT_FOUND, REVISION_DENIED, REVISION_DIGEST_MISMATCH, REVISION_UNREACHABLE, …
 */
export function fetchFromHttps(
  ctx: RevisionContext,
  revision: WebFile,
  request: DownloadRequest,
): Promise<FetchedBundle> {
  return download(ctx, httpsSource(ctx, revision), request);
}

function httpsSource(ctx: RevisionContext, { url, sha256 }: WebFile): DownloadSource {
  const authorization = authorizationFor(new URL(url), ctx.sourceCredentialsFile);
  const name = nameOfUrl(url);
  return {
    name,
    // What has the right digest at the end is the right bundle, so the note of a part may as well be kept by that.
    identity: `${name} sha256:${sha256}`,
    async open(range, validator, signal) {
      const ask = (headers: Readonly<Record<string, string>>) =>
        getHttp(ctx, url, { ...headers, ...(authorization === null ? {} : { authorization }) }, signal);
      const answer = await ask({
        range: `bytes=${range.from}-${range.to - 1}`,
        ...(validator === null ? {} : { 'if-match': `"${validator}"` }),
      });
      // There is no first byte of an empty object.
      if (answer.status === 416 && range.from === 0) {
        await drain(answer.body);
        return opened(name, await ask({}), validator, authorization !== null);
      }
      return opened(name, answer, validator, authorization !== null);
    },
    expectedDigest: () =>
      Promise.resolve(
        sha256 === null ? null : ({ algorithm: 'sha256', hex: sha256.toLowerCase(), origin: 'the revision' } as const),
      ),
    unreachable: (cause) =>
      new SlipwayError('REVISION_UNREACHABLE', `${name} could not be downloaded: ${messageOf(cause)}`, {
        cause,
        remedy: 'Check the address, DNS, certificates, proxies and firewalls from this host.',
      }),
  };
}

async function opened(
  name: string,
  { status, headers, body }: HttpAnswer,
  validator: string | null,
  hadCredentials: boolean,
): Promise<OpenedRange> {
  if (status === 200 || status === 206) {
    const eTag = headers['etag'] ?? null;
    const isStrong = eTag !== null && /^".+"$/.test(eTag);
    const contentRange = status === 206 ? parseContentRange(headers['content-range']) : null;
    const length = headers['content-length'] === undefined ? null : Number(headers['content-length']);
    return {
      body,
      range: contentRange?.range ?? null,
      sizeBytes: contentRange?.sizeBytes ?? (status === 200 ? length : null),
      validator: isStrong ? eTag.slice(1, -1) : null,
      eTag: null,
      hasOpaqueETag: true,
    };
  }
  await drain(body);
  throw httpFault(name, status, validator !== null, hadCredentials);
}

/**
 * @param wasConditional the object had to be the one that the download began with
 * @returns a SlipwayError where asking again would not help
 */
function httpFault(name: string, status: number, wasConditional: boolean, hadCredentials: boolean): Error {
  const what = `${name} could not be downloaded: the server answered ${status}`;
  if (wasConditional && (status === 412 || status === 416)) return new ObjectChanged(what);
  if (status === 401 || status === 403) {
    return new SlipwayError('REVISION_DENIED', what, {
      remedy: hadCredentials
        ? 'Check that user and password for this host in source_credentials_file are right and may read this file.'
        : 'If the file is not public, put https://USER:PASSWORD@HOST into source_credentials_file; an address that was signed may have expired.',
    });
  }
  if (status === 404 || status === 410) {
    return new SlipwayError('REVISION_NOT_FOUND', what, {
      remedy: hadCredentials
        ? 'Check the address, and that these credentials may see it; the file may have been deleted.'
        : 'Check the address; some servers answer 404 as well for what may not be seen without credentials (source_credentials_file).',
    });
  }
  if (status === 407) {
    return new SlipwayError('REVISION_DENIED', what, { remedy: 'Put user and password of the proxy into proxy_uri.' });
  }
  if (!isTemporaryStatus(status)) {
    const remedy =
      'Open the address on this host (`curl -I`): that server, or a proxy on the way, refuses the request.';
    return new SlipwayError('REVISION_UNREACHABLE', what, { remedy });
  }
  return new Error(`the server answered ${status}`);
}
