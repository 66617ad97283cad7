/**
 * The OpenID Connect provider: the authorization code flow with PKCE. `openid-client` holds the ID token against issuer, audience, expiry,
 * nonce and signature. Nothing is asked of the provider before somebody signs in, so a server starts while its provider is away. This file
 * is loaded only where there are settings for it.
 *
 * @see OpenID Connect Core 1.0, section 3.1; RFC 7636 (PKCE)
 */
import {
  allowInsecureRequests,
  authorizationCodeGrant,
  buildAuthorizationUrl,
  type ClientAuth,
  ClientSecretBasic,
  ClientSecretPost,
  type Configuration,
  calculatePKCECodeChallenge,
  customFetch,
  discovery,
  enableNonRepudiationChecks,
  fetchUserInfo,
} from 'openid-client';
import { faultOfSignIn, isAway } from './faults.ts';
import { type Claims, type PersonOutcome, personOf, valuesOf } from './person.ts';
import { providerFetch } from './provider-fetch.ts';
import type { OidcSettings } from './settings.ts';

/** Secrets of one sign-in, which only the browser that began it brings back. */
export interface SignInAttempt {
  readonly state: string;
  readonly nonce: string;
  readonly codeVerifier: string;
}

export type BeginOutcome =
  | { readonly ending: 'address'; readonly address: string }
  | { readonly ending: 'away'; readonly why: string };

export type FinishOutcome = PersonOutcome | { readonly ending: 'away'; readonly why: string };

export interface OidcProvider {
  readonly issuer: string;
  readonly label: string;
  /** Address of this server as browsers have it, without a path. */
  readonly serverOrigin: string;
  readonly sessionMs: number;
  /** Finds the address at the provider that the browser goes to. */
  begin(attempt: SignInAttempt): Promise<BeginOutcome>;
  /** @param query with which the provider has sent the browser back */
  finish(query: string, attempt: SignInAttempt): Promise<FinishOutcome>;
}

export interface ProviderContext {
  /** Monotonic; milliseconds. */
  elapsedMs(): number;
}

/** Where the provider sends the browser back to; it must be registered there. */
export const CALLBACK_PATH = '/console/single-sign-on/callback';

/** For one request to the provider. */
const TIMEOUT_SECONDS = 10;
/** A provider's addresses hardly ever change; its keys are looked up anew by themselves. */
const METADATA_MS = 60 * 60_000;

export function createOidcProvider(settings: OidcSettings, ctx: ProviderContext): OidcProvider {
  const { issuer, label, serverOrigin, sessionMs } = settings;
  let known: { readonly configuration: Promise<Configuration>; readonly sinceMs: number } | null = null;

  const configured = async (): Promise<Configuration> => {
    if (known === null || ctx.elapsedMs() - known.sinceMs > METADATA_MS) {
      known = { configuration: discover(settings), sinceMs: ctx.elapsedMs() };
    }
    const asked = known;
    try {
      return await asked.configuration;
    } catch (error) {
      // The next sign-in asks again.
      if (known === asked) known = null;
      throw error;
    }
  };

  return {
    ...{ issuer, label, serverOrigin, sessionMs },
    async begin({ state, nonce, codeVerifier }) {
      try {
        const configuration = await configured();
        const address = buildAuthorizationUrl(configuration, {
          redirect_uri: `${serverOrigin}${CALLBACK_PATH}`,
          scope: settings.scopes.join(' '),
          code_challenge: await calculatePKCECodeChallenge(codeVerifier),
          code_challenge_method: 'S256',
          ...{ state, nonce },
        });
        return { ending: 'address', address: address.href };
      } catch (error) {
        return { ending: 'away', why: faultOfSignIn(error) };
      }
    },
    async finish(query, attempt) {
      try {
        const configuration = await configured();
        return personOf(
          await claimsFor(configuration, new URL(`${serverOrigin}${CALLBACK_PATH}?${query}`), attempt, settings),
          settings,
        );
      } catch (error) {
        return { ending: isAway(error) ? 'away' : 'refused', why: faultOfSignIn(error) };
      }
    },
  };
}

async function discover({ issuer, clientId, clientSecret, authorities }: OidcSettings): Promise<Configuration> {
  const byHeader = ClientSecretBasic(clientSecret);
  const byBody = ClientSecretPost(clientSecret);
  /** Uses the header where the provider takes it. One that does not say what it takes must take it. */
  const authenticate: ClientAuth = (server, ...request) => {
    const { token_endpoint_auth_methods_supported: methods = ['client_secret_basic'] } = server;
    return (methods.includes('client_secret_basic') ? byHeader : byBody)(server, ...request);
  };
  const url = new URL(issuer);
  return discovery(url, clientId, undefined, authenticate, {
    timeout: TIMEOUT_SECONDS,
    [customFetch]: providerFetch(authorities),
    // The library would trust the connection in place of the signature. The settings let HTTP through for this machine alone.
    execute: [enableNonRepudiationChecks, ...(url.protocol === 'http:' ? [allowInsecureRequests] : [])],
  });
}

/** The claims of the ID token. A provider may give the rest to those only who ask for it with the access token. */
async function claimsFor(
  configuration: Configuration,
  url: URL,
  { state, nonce, codeVerifier }: SignInAttempt,
  { claim }: Pick<OidcSettings, 'claim'>,
): Promise<Claims> {
  const tokens = await authorizationCodeGrant(configuration, url, {
    ...{ expectedState: state, expectedNonce: nonce, pkceCodeVerifier: codeVerifier, idTokenExpected: true },
  });
  const claims: Claims = { ...tokens.claims() };
  const { sub: subject } = claims;
  const isWhole = valuesOf(claims, claim) !== null;
  if (isWhole || typeof subject !== 'string' || configuration.serverMetadata().userinfo_endpoint === undefined)
    return claims;
  return { ...(await fetchUserInfo(configuration, tokens.access_token, subject)), ...claims };
}
