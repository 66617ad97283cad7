import type { IncomingHttpHeaders } from 'node:http';
import { sha256Hex } from '../../protocol/sigv4/sha256.ts';
import { verifySignature } from '../../protocol/sigv4/verify.ts';
import type { Caller } from '../api/context.ts';
import type { KnownAccessKey } from '../store/access-keys.ts';
import { powerlessError } from '../store/powers.ts';

export interface AuthenticationContext {
  readonly nowMs: number;
  /** null: not known. */
  findKey(accessKeyId: string): Promise<KnownAccessKey | null>;
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
 * @throws ApiError of `verifySignature`, and of a key that has no power: its owner is told why
 */
export async function authenticate(
  ctx: AuthenticationContext,
  request: IncomingRequest,
  services: readonly string[],
): Promise<Caller> {
  const looked: { key: KnownAccessKey | null } = { key: null };
  const signed = {
    method: request.method,
    path: request.path,
    headers: textHeaders(request.headers),
    bodySha256: sha256Hex(request.body),
  };
  const secretOf = async (accessKeyId: string) => {
    looked.key = await ctx.findKey(accessKeyId);
    return looked.key?.secretAccessKey ?? null;
  };
  const verified = await verifySignature(signed, { services, nowMs: ctx.nowMs, secretOf }).catch((error: unknown) => {
    // Who has not the secret must not learn that there once was such a key.
    if (looked.key !== null && looked.key.powerless !== null) throw powerlessError({ why: 'unknown' });
    throw error;
  });
  const { key } = looked;
  if (key === null || key.accessKeyId !== verified.accessKeyId) throw powerlessError({ why: 'unknown' });
  if (key.powerless !== null) throw powerlessError(key.powerless);
  return { accessKeyId: key.accessKeyId, role: key.role, hostArn: key.hostArn };
}

function textHeaders(headers: IncomingHttpHeaders): Record<string, string> {
  return Object.fromEntries(
    Object.entries(headers).flatMap(([name, value]) =>
      value === undefined ? [] : [[name, Array.isArray(value) ? value.join(',') : value]],
    ),
  );
}
