import { ApiError } from '../../protocol/errors.ts';
import { overridesMethod } from '../../protocol/method-override.ts';
import { requireSingleHeaders } from '../../protocol/sigv4/single-headers.ts';

/**
 * Demands that a proxy in front of the server and the server itself read the same request: one of each header that says who asks for
 * what, and no other method than the one in the first line.
 *
 * @param rawHeaders names and values in turn, as Node has them
 * @throws ApiError IncompleteSignatureException, InvalidRequestException
 */
export function requireUnambiguous(rawHeaders: readonly string[]): void {
  requireSingleHeaders(rawHeaders);
  for (let at = 0; at < rawHeaders.length; at += 2) {
    const name = (rawHeaders[at] ?? '').toLowerCase();
    if (!overridesMethod(name)) continue;
    throw new ApiError(
      'InvalidRequestException',
      `The header ${name} is not obeyed here. Send the request by its own method.`,
    );
  }
}
