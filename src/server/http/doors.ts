/** The address is one for everybody; which door of the server a request is for. Pure. */
import type { IncomingMessage } from 'node:http';

/** `api`: `POST /` of both JSON APIs, and what asks whether the server lives. `revisions`: the S3 API. */
export type Door = 'api' | 'revisions';

type RequestHead = Pick<IncomingMessage, 'url' | 'headers'>;

/**
 * Told by what no other API has: the target header of the JSON protocols, else the service that the request is signed for. Each door
 * demands a signature for itself, so that a request which says it is another's gains nothing.
 */
export function doorFor({ url = '/', headers }: RequestHead): Door {
  if (headers['x-amz-target'] !== undefined) return 'api';
  const service = signedService(headers.authorization ?? '') ?? signedService(presignedCredential(url));
  if (service !== null) return service === 's3' ? 'revisions' : 'api';
  return url === '/' ? 'api' : 'revisions';
}

/** Only the query of an address says who has signed it: a path is a name that somebody chose. */
function presignedCredential(url: string): string {
  const mark = url.indexOf('?');
  return mark < 0 ? '' : (new URLSearchParams(url.slice(mark + 1)).get('X-Amz-Credential') ?? '');
}

/** Of `KEY/DAY/REGION/SERVICE/aws4_request`, in a header or, escaped, in a presigned address. */
function signedService(text: string): string | null {
  return /(?:\/|%2F)([a-z0-9-]{1,40})(?:\/|%2F)aws4_request/i.exec(text)?.[1]?.toLowerCase() ?? null;
}
