import type { IncomingHttpHeaders } from 'node:http';
import { ApiError } from '../../protocol/errors.ts';
import { sha256Hex } from '../../protocol/sigv4/sha256.ts';
import type { SigningKeyOf } from '../../protocol/sigv4/signing-key.ts';
import { checkSignatureHead, verifySignature } from '../../protocol/sigv4/verify.ts';
import type { Clock } from '../../system/clock.ts';
import type { Caller } from '../api/context.ts';
import type { Rates } from '../connections/rates.ts';
import type { KnownAccessKey } from '../store/access-keys.ts';
import type { HeardHost } from '../store/instances.ts';
import { powerlessError } from '../store/powers.ts';

export interface AuthenticationContext {
  readonly clock: Pick<Clock, 'now'>;
  /** null: not known. */
  findKey(accessKeyId: string): Promise<KnownAccessKey | null>;
  readonly rates: Rates;
  /** Derives signing keys, or remembers them. */
  readonly signingKeyOf: SigningKeyOf;
}

/** A caller of whom the signature holds. */
export interface ProvedCaller extends Caller {
  /** The host that the key speaks for, as it was read with the key; null: there is none. */
  readonly host: HeardHost | null;
}

export interface IncomingHead {
  readonly method: string;
  readonly path: string;
  readonly headers: IncomingHttpHeaders;
  /** The address that the request comes from, as `clientOf` names it. */
  readonly client: string;
}

/** A body that took longer than this to come may have outlived the power of its key. */
const LOOK_AGAIN_MS = 1_000;

/**
 * Finds out who calls, by the signature that every request must have. Everything that can be known without the body is checked
 * first, the key among it: strangers are answered without their bodies being read.
 *
 * @param services that the signature may be scoped to
 * @param turn is waited for before the key is looked up; a request without a signature is refused before it
 * @returns what finishes it, once the body is there; it throws the same errors
 * @throws ApiError of `verifySignature` and of `Rates`, and of a key that has no power: its owner is told why
 */
export async function beginAuthentication(
  ctx: AuthenticationContext,
  head: IncomingHead,
  services: readonly string[],
  turn: () => Promise<void> = async () => undefined,
): Promise<(body: Buffer) => Promise<ProvedCaller>> {
  const signed = { method: head.method, path: head.path, headers: textHeaders(head.headers) };
  const options = { services, nowMs: ctx.clock.now(), signingKeyOf: ctx.signingKeyOf };
  const { accessKeyId } = checkSignatureHead(signed, options).authorization;
  const claim = { client: head.client, id: accessKeyId };
  ctx.rates.admit(claim);
  await turn();
  const lookedAtMs = ctx.clock.now();
  const found = await ctx.findKey(accessKeyId);
  if (found === null) {
    ctx.rates.failed(claim);
    throw powerlessError({ why: 'unknown' });
  }
  return async (body) => {
    const isOld = ctx.clock.now() - lookedAtMs > LOOK_AGAIN_MS;
    const key = isOld ? await ctx.findKey(accessKeyId) : found;
    if (key === null) throw powerlessError({ why: 'unknown' });
    const secretOf = async () => key.secretAccessKey;
    await verifySignature({ ...signed, bodySha256: sha256Hex(body) }, { ...options, secretOf }).catch(
      (error: unknown) => {
        if (error instanceof ApiError && error.type === 'InvalidSignatureException') ctx.rates.failed(claim);
        // Who has not the secret must not learn that there once was such a key.
        if (key.powerless !== null) throw powerlessError({ why: 'unknown' });
        throw error;
      },
    );
    ctx.rates.proved(claim, key.role);
    if (key.powerless !== null) throw powerlessError(key.powerless);
    const { role, hostArn, scope, host } = key;
    return { accessKeyId, role, hostArn, scope, host };
  };
}

function textHeaders(headers: IncomingHttpHeaders): Record<string, string> {
  return Object.fromEntries(
    Object.entries(headers).flatMap(([name, value]) =>
      value === undefined ? [] : [[name, Array.isArray(value) ? value.join(',') : value]],
    ),
  );
}
