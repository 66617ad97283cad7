/**
 * Sign-in by an OpenID Connect provider, as the browser goes through it. The page asks where to go. The provider sends the browser back,
 * which then gets a session as others are. A sealed cookie says what the answer must match.
 */
import type { IncomingMessage } from 'node:http';
import type { Logger } from '../../../logging/logger.ts';
import { ApiError } from '../../../protocol/errors.ts';
import type { Random } from '../../../system/random.ts';
import { endSessionsOfPerson, signInPerson } from '../../api/console-sessions.ts';
import type { SecretSealer } from '../../store/access-keys.ts';
import { ATTEMPT_MS, type Attempt, isStateOf, openAttempt, pageToReturnTo, sealAttempt } from './attempt.ts';
import { attemptCookie, attemptIn, sessionCookie } from './cookies.ts';
import type { IdentityProvider, NobodyOutcome } from './identity-provider.ts';
import { isPageOf } from './own-page.ts';
import type { Refusal } from './refused-page.ts';
import { sessionBefore, type VisitorContext } from './visitors.ts';

export interface SingleSignOnContext extends VisitorContext {
  readonly sealer: SecretSealer;
  readonly random: Pick<Random, 'bytes'>;
  readonly log: Logger;
}

/** Facts for the sign-in page. */
export function describeProvider(provider: IdentityProvider | null): object {
  return provider === null ? {} : { label: provider.label, address: provider.serverOrigin };
}

/**
 * Begins a sign-in.
 *
 * @param wanted page that the person wants to see
 * @throws ApiError InvalidRequestException: no provider, or one that does not answer, or the page has another address than the provider knows
 */
export async function beginSingleSignOn(
  ctx: SingleSignOnContext,
  request: IncomingMessage,
  wanted: unknown,
): Promise<{ readonly address: string; readonly cookie: string }> {
  const { provider } = ctx;
  if (provider === null) {
    throw new ApiError('InvalidRequestException', `${NO_PROVIDER.what} ${NO_PROVIDER.remedy}`, { status: 404 });
  }
  const { serverOrigin } = provider;
  if (!isPageOf(request.headers, serverOrigin)) {
    const message = `Single sign-on comes back to ${serverOrigin} alone. Open ${serverOrigin}/console/ and sign in there.`;
    throw new ApiError('InvalidRequestException', message, { status: 400 });
  }
  const text = () => ctx.random.bytes(32).toString('base64url');
  const attempt: Attempt = {
    ...{ state: text(), nonce: text(), codeVerifier: text(), returnTo: pageToReturnTo(wanted) },
    before: sessionBefore(ctx, request.headers.cookie),
    expiresAtMs: ctx.clock.now() + ATTEMPT_MS,
  };
  const begun = await provider.begin(attempt);
  if (begun.ending === 'away') {
    ctx.log.warn('the OpenID Connect provider cannot be asked', { issuer: provider.issuer, why: begun.why });
    const message = `${provider.issuer} cannot be asked just now (${begun.why}). Try again, or sign in with an access key.`;
    throw new ApiError('InvalidRequestException', message, { status: 502 });
  }
  const cookie = attemptCookie(sealAttempt(ctx.sealer, attempt), isSecure(provider), ATTEMPT_MS);
  return { address: begun.address, cookie };
}

export type SingleSignOnOutcome =
  | { readonly ending: 'signed-in'; readonly returnTo: string; readonly cookies: readonly string[] }
  | { readonly ending: 'refused'; readonly refusal: Refusal; readonly cookies: readonly string[] };

/** Ends a sign-in with the provider's answer. An answer that this browser did not ask for counts against its address as a guess. */
export async function endSingleSignOn(
  ctx: SingleSignOnContext,
  request: IncomingMessage,
  requestId: string,
): Promise<SingleSignOnOutcome> {
  const { provider } = ctx;
  if (provider === null) return { ending: 'refused', refusal: NO_PROVIDER, cookies: [] };
  const claim = { client: ctx.connections.clientOf(request), id: CLAIM };
  ctx.rates.admit(claim);
  const cookies = [attemptCookie('', isSecure(provider), 0)];
  const refused = (refusal: Refusal, why: string, isGuess: boolean): SingleSignOnOutcome => {
    if (isGuess) ctx.rates.failed(claim);
    ctx.log.warn('a person was not signed in by OpenID Connect', { requestId, issuer: provider.issuer, why });
    return { ending: 'refused', refusal, cookies };
  };
  const nowMs = ctx.clock.now();
  const sealed = attemptIn(request.headers.cookie, isSecure(provider));
  const attempt = sealed === null ? null : openAttempt(ctx.sealer, sealed, nowMs);
  if (attempt === null) return refused(NOT_BEGUN, 'the browser has no attempt, or an old one', true);
  const [, query = ''] = (request.url ?? '').split('?', 2);
  if (!isStateOf(attempt, new URLSearchParams(query).getAll('state'))) {
    return refused(OTHER_STATE, 'the state is not that of the attempt', true);
  }
  const outcome = await provider.finish(query, attempt);
  if (outcome.ending !== 'person') {
    if (outcome.ending === 'no-role')
      await endSessionsOfPerson(ctx, { issuer: provider.issuer, subject: outcome.subject });
    return refused(refusalOf(outcome, provider), whyOf(outcome), outcome.ending === 'refused');
  }
  const { person } = outcome;
  const { sessionMs, issuer } = provider;
  const once = `openid-connect ${issuer} ${attempt.state}`;
  try {
    const session = await signInPerson(ctx, person, { once, before: attempt.before, requestId, sessionMs });
    cookies.push(sessionCookie(session.token, isSecure(provider), session.expiresAtMs - nowMs));
    return { ending: 'signed-in', returnTo: attempt.returnTo, cookies };
  } catch (error) {
    if (!(error instanceof ApiError) || error.status >= 500) throw error;
    return refused({ status: 403, what: error.message, remedy: AGAIN }, error.message, false);
  }
}

/** Name under which answers of providers count, where keys count by their ids. */
const CLAIM = 'single-sign-on';
const AGAIN = 'Begin the sign-in once more, or sign in with an access key.';

const NO_PROVIDER: Refusal = {
  status: 404,
  what: 'This server has no OpenID Connect provider.',
  remedy: 'Sign in with an access key. An admin sets a provider up by slipway server --oidc.',
};
const NOT_BEGUN: Refusal = {
  status: 400,
  what: 'This browser did not begin a sign-in here, or it took more than ten minutes.',
  remedy: AGAIN,
};
const OTHER_STATE: Refusal = {
  status: 400,
  what: 'The answer of the provider belongs to another sign-in than the one that this browser began last.',
  remedy: AGAIN,
};

function refusalOf(outcome: NobodyOutcome, { issuer }: IdentityProvider): Refusal {
  switch (outcome.ending) {
    case 'away':
      return { status: 502, what: `${issuer} cannot be asked just now: ${outcome.why}.`, remedy: AGAIN };
    case 'refused':
      return { status: 403, what: `The sign-in at ${issuer} was not completed: ${outcome.why}.`, remedy: AGAIN };
    case 'no-role':
      return noRole(outcome, issuer);
  }
}

function noRole(
  { name, claim, values }: Extract<NobodyOutcome, { readonly ending: 'no-role' }>,
  issuer: string,
): Refusal {
  const what = `${issuer} knows you as ${name}, but nothing that it says of you gives you a role on this server.`;
  if (values === null) {
    const remedy = `It sends no claim ${claim}. Ask its administrator to add ${claim} to the ID token or the user info for this server.`;
    return { status: 403, what, remedy };
  }
  const held = values.length === 0 ? 'is empty' : `has ${values.slice(0, 20).join(', ').slice(0, 500)}`;
  const remedy = `Your claim ${claim} ${held}. Ask the administrator for a value that this server’s rules name.`;
  return { status: 403, what, remedy };
}

function whyOf(outcome: NobodyOutcome): string {
  return outcome.ending === 'no-role' ? `no rule fits ${outcome.subject} (${outcome.claim})` : outcome.why;
}

function isSecure({ serverOrigin }: Pick<IdentityProvider, 'serverOrigin'>): boolean {
  return serverOrigin.startsWith('https://');
}
