import { ApiError } from '../../protocol/errors.ts';
import { overridesMethod } from '../../protocol/method-override.ts';
import { requireSingleHeaders } from '../../protocol/sigv4/single-headers.ts';

/**
 * Demands that a proxy in front of the server and the server itself read the same request. Headers that say who asks for what come once,
 * the method is that of the first line, and the body is what it looks like.
 *
 * @param rawHeaders names and values in turn, as Node has them
 * @throws ApiError IncompleteSignatureException, InvalidRequestException, SerializationException
 */
export function requireUnambiguous(rawHeaders: readonly string[]): void {
  requireSingleHeaders(rawHeaders);
  for (let at = 0; at < rawHeaders.length; at += 2) {
    const name = (rawHeaders[at] ?? '').toLowerCase();
    if (name === 'content-encoding' && !/^(identity)?$/i.test((rawHeaders[at + 1] ?? '').trim()))
      throw new ApiError(
        'SerializationException',
        'Bodies are not compressed here. Send the request without Content-Encoding.',
        {
          status: 415,
        },
      );
    if (!overridesMethod(name)) continue;
    throw new ApiError(
      'InvalidRequestException',
      `The header ${name} is not obeyed here. Send the request by its own method.`,
    );
  }
}
