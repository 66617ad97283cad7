import type { IncomingHttpHeaders } from 'node:http';
import { ApiError } from '../../protocol/errors.ts';
import { sha256Hex } from '../../protocol/sigv4/sha256.ts';
import { verifySignature } from '../../protocol/sigv4/verify.ts';
import type { Caller } from '../api/context.ts';
import type { AccessKey } from '../store/access-keys.ts';

export interface AuthenticationContext {
  readonly nowMs: number;
  /** null: not known, or disabled. */
  findKey(accessKeyId: string): Promise<AccessKey | null>;
}

export interface IncomingRequest {
  readonly method: string;
  readonly path: string;
  readonly headers: IncomingHttpHeaders;
  readonly body: Buffer;
}

/**
 * Finds out who calls, by the signature that every request must have.
 *
 * @param services that the signature may be scoped to
 * @throws ApiError of `verifySignature`
 */
export async function authenticate(
  ctx: AuthenticationContext,
  request: IncomingRequest,
  services: readonly string[],
): Promise<Caller> {
  let key: AccessKey | null = null;
  const verified = await verifySignature(
    {
      method: request.method,
      path: request.path,
      headers: textHeaders(request.headers),
      bodySha256: sha256Hex(request.body),
    },
    {
      services,
      nowMs: ctx.nowMs,
      async secretOf(accessKeyId) {
        key = await ctx.findKey(accessKeyId);
        return key?.secretAccessKey ?? null;
      },
    },
  );
  const found = key as AccessKey | null;
  if (found === null)
    throw new ApiError('UnrecognizedClientException', `the access key ${verified.accessKeyId} is not known here`);
  return { accessKeyId: found.accessKeyId, role: found.role, hostArn: found.hostArn };
}

function textHeaders(headers: IncomingHttpHeaders): Record<string, string> {
  return Object.fromEntries(
    Object.entries(headers).flatMap(([name, value]) =>
      value === undefined ? [] : [[name, Array.isArray(value) ? value.join(',') : value]],
    ),
  );
}
