/** The address is one for everybody; which door of the server a request is for. Pure. */
import type { IncomingMessage } from 'node:http';

/**
 * `api`: `POST /` of both JSON APIs, and `GET /`, by which agents look whether something answers. `identity`: `POST /` of IAM and STS.
 * `revisions`: the S3 API. `health`: what load balancers ask. `console`: the page for people, below `/console`.
 */
export type Door = 'api' | 'identity' | 'revisions' | 'health' | 'console';

/** Without a signature for S3 this is no bucket that is called so. */
const CONSOLE = /^\/console(?:[/?]|$)/;

type RequestHead = Pick<IncomingMessage, 'method' | 'url' | 'headers'>;

/** Without a signature these are no objects of buckets that are called so. */
const HEALTH: ReadonlySet<string> = new Set(['/healthz', '/readyz']);

/**
 * Finds the door by marks that no other API has. They are the target header of the JSON protocols, else the service in the signature, else
 * the form of the Query protocol. Each door demands a signature for itself, so that a request which says it is another's gains nothing.
 */
export function doorFor(request: RequestHead): Door {
  const { url = '/', headers } = request;
  if (headers['x-amz-target'] !== undefined) return 'api';
  const service = signedServiceOf(request);
  // `s3express` and others of S3’s family have operations of S3, which the revision store refuses in S3’s words.
  if (service !== null && /^s3($|express$|-)/.test(service)) return 'revisions';
  if (service === 'iam' || service === 'sts') return 'identity';
  if (CONSOLE.test(url)) return 'console';
  if (service !== null) return 'api';
  if (HEALTH.has(url) && (request.method === 'GET' || request.method === 'HEAD')) return 'health';
  if (url !== '/') return 'revisions';
  return isForm(headers['content-type'] ?? '') ? 'identity' : 'api';
}

/** The service that a request says it is signed for, in lower case; null: it does not say. */
export function signedServiceOf({ url = '/', headers }: Pick<RequestHead, 'url' | 'headers'>): string | null {
  return signedService(headers.authorization ?? '') ?? signedService(presignedCredential(url));
}

/** Only the query of an address says who has signed it: a path is a name that somebody chose. */
function presignedCredential(url: string): string {
  const mark = url.indexOf('?');
  return mark < 0 ? '' : (new URLSearchParams(url.slice(mark + 1)).get('X-Amz-Credential') ?? '');
}

/** Finds the service in `KEY/DAY/REGION/SERVICE/aws4_request`, in a header or, escaped, in a presigned address. */
function signedService(text: string): string | null {
  return /(?:\/|%2F)([a-z0-9-]{1,40})(?:\/|%2F)aws4_request/i.exec(text)?.[1]?.toLowerCase() ?? null;
}

/** An unsigned call of the Query protocol is known by its form only. */
function isForm(contentType: string): boolean {
  return /^application\/x-www-form-urlencoded\b/i.test(contentType);
}
