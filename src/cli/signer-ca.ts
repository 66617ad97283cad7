import { X509Certificate } from 'node:crypto';
import { messageOf, SlipwayError } from '../errors.ts';

/**
 * Rewrites the certificate by which hosts check a server's orders: nothing else in the answer goes on to a terminal or a file.
 *
 * @returns PEM, with a line break at its end
 * @throws SlipwayError SERVER_ANSWER_INVALID when it is none
 */
export function signerCaOf(server: { readonly signerCaCertificatePem: string }): string {
  try {
    return new X509Certificate(server.signerCaCertificatePem).toString();
  } catch (cause) {
    const why = `the certificate of its orders cannot be read: ${messageOf(cause)}`;
    throw new SlipwayError('SERVER_ANSWER_INVALID', `the server gave an answer that cannot be used: ${why}`, { cause });
  }
}
