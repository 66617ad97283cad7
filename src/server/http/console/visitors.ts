/** Signed-in visitors: a session of a browser, and the access key whose power it has. */
import type { IncomingMessage, ServerResponse } from 'node:http';
import { ApiError } from '../../../protocol/errors.ts';
import { MANAGEMENT_SIGNING_NAME } from '../../../protocol/management/shapes.ts';
import { parseAuthorization } from '../../../protocol/sigv4/authorization.ts';
import {
  findSession,
  isStillOpen,
  MOST_SESSIONS,
  type NewSession,
  type OpenSession,
  type SessionContext,
  type SessionProblem,
  sha256,
  signIn,
} from '../../api/console-sessions.ts';
import type { Caller } from '../../api/context.ts';
import type { Connections } from '../../connections/connections.ts';
import type { KnownAccessKey } from '../../store/access-keys.ts';
import { powerlessError } from '../../store/powers.ts';
import { type AuthenticationContext, beginAuthentication } from '../authenticate.ts';
import { sessionTokenIn } from './cookies.ts';
import type { IdentityProvider } from './identity-provider.ts';

export interface VisitorContext extends AuthenticationContext, SessionContext {
  readonly clock: AuthenticationContext['clock'];
  readonly connections: Pick<Connections, 'clientOf' | 'readBody' | 'verified'>;
  /** Whether the server itself speaks HTTPS. */
  readonly isTls: boolean;
  /** The OpenID Connect provider that signs people in; null: none does. */
  readonly provider: IdentityProvider | null;
}

export interface Visitor {
  readonly session: OpenSession;
  readonly caller: Caller;
}

/** A sign-in has nothing in its body; a client that sends `{}` may. */
const MAX_SIGN_IN_BYTES = 16;

/**
 * Signs a browser in by a signed request, as every client of the API signs. So the secret stays where it was typed in, and a wrong one counts
 * against the address like any other.
 *
 * @throws ApiError of `beginAuthentication` and `signIn`
 */
export async function signInBySignature(
  ctx: VisitorContext,
  request: IncomingMessage,
  response: ServerResponse,
  requestId: string,
): Promise<NewSession> {
  const { method = '', url: path = '', headers } = request;
  const client = ctx.connections.clientOf(request);
  const finish = await beginAuthentication(ctx, { method, path, headers, client }, [MANAGEMENT_SIGNING_NAME]);
  const caller = await finish(await ctx.connections.readBody(request, response, MAX_SIGN_IN_BYTES));
  ctx.connections.verified(request, caller.accessKeyId);
  const { signature } = parseAuthorization(headers.authorization);
  return signIn(ctx, caller, { once: signature, before: sessionBefore(ctx, headers.cookie), requestId });
}

/** The session that a browser has when it signs in (`sha256` of its token); null: none. */
export function sessionBefore({ isTls }: Pick<VisitorContext, 'isTls'>, cookies: string | undefined): string | null {
  const token = sessionTokenIn(cookies, isTls);
  return token === null ? null : sha256(token);
}

const WHY: Readonly<Record<SessionProblem | 'none', string>> = {
  none: 'You are not signed in.',
  unknown: 'Your session is not known here.',
  ended: `You have signed out, or ${MOST_SESSIONS} other browsers have signed in since.`,
  expired: 'Your session has ended, because its time is over.',
};

/**
 * Finds the session of the browser's cookie. A secret that is guessed counts against its address like a key that is not known.
 *
 * @throws ApiError MissingAuthenticationTokenException (401): sign in; ThrottlingException
 */
export async function requireVisitor(ctx: VisitorContext, request: IncomingMessage): Promise<Visitor> {
  const token = sessionTokenIn(request.headers.cookie, ctx.isTls);
  if (token === null) throw signedOut(WHY.none);
  const client = ctx.connections.clientOf(request);
  const claim = { client, id: sha256(token) };
  ctx.rates.admit(claim);
  const session = await findSession(ctx, token);
  if (session === 'unknown') ctx.rates.failed(claim);
  if (typeof session === 'string') throw signedOut(WHY[session]);
  const { person } = session;
  if (person !== null && person.issuer !== ctx.provider?.issuer) {
    throw signedOut(`Your session has ended, because this server lets ${person.issuer} sign nobody in any more.`);
  }
  const key = await ctx.findKey(session.accessKeyId);
  // The session has proved itself; what it asks counts as its key's, also when the key has no power any more.
  ctx.rates.proved(claim, 'token');
  if (key !== null) ctx.rates.proved({ client, id: session.accessKeyId }, key.role);
  const caller = callerOf(key);
  ctx.connections.verified(request, caller.accessKeyId);
  return { session, caller };
}

/** Whether a visitor who has come before still has the session and the power. */
export async function isStillWelcome(ctx: VisitorContext, { session, caller }: Visitor): Promise<boolean> {
  const key = await ctx.findKey(caller.accessKeyId);
  return key !== null && key.powerless === null && (await isStillOpen(ctx, session));
}

function callerOf(key: KnownAccessKey | null): Caller {
  if (key === null) throw signedOut('The access key of your session does not exist any more.');
  if (key.powerless !== null) throw signedOut(`Your session has ended. ${powerlessError(key.powerless).message}`);
  const { accessKeyId, role, hostArn, scope } = key;
  return { accessKeyId, role, hostArn, scope };
}

function signedOut(why: string): ApiError {
  return new ApiError('MissingAuthenticationTokenException', `${why} Sign in to go on.`, { status: 401 });
}
