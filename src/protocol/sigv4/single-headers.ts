import { ApiError } from '../errors.ts';

/** Headers by which a request says who sends it, to whom, when, and what: two of one kind would let two readers see two requests. */
const SINGLE = new Set([
  'host',
  'authorization',
  'content-type',
  'content-length',
  'transfer-encoding',
  'x-amz-date',
  'x-amz-content-sha256',
  'x-amz-security-token',
  'x-amz-target',
]);

/**
 * Demands that headers which take part in a signature came once. Node keeps the first of some and joins others, so that this has to be
 * asked of what came.
 *
 * @param rawHeaders names and values in turn, as Node has them
 * @throws ApiError IncompleteSignatureException naming the header
 */
export function requireSingleHeaders(rawHeaders: readonly string[]): void {
  const seen = new Set<string>();
  for (let at = 0; at < rawHeaders.length; at += 2) {
    const name = (rawHeaders[at] ?? '').toLowerCase();
    if (!SINGLE.has(name)) continue;
    if (seen.has(name)) throw new ApiError('IncompleteSignatureException', `the header ${name} came more than once`);
    seen.add(name);
  }
}
