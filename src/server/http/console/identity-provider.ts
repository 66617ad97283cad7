/** Types of a provider that signs people in, as the console uses one; `outside/oidc` has the one for OpenID Connect. */
import type { SignedInPerson } from '../../api/console-sessions.ts';

/** Secrets of one sign-in, which only the browser that began it brings back. */
export interface SignInAttempt {
  readonly state: string;
  readonly nonce: string;
  readonly codeVerifier: string;
}

type Away = { readonly ending: 'away'; readonly why: string };

/** End of a sign-in that made nobody known who may come in. */
export type NobodyOutcome =
  | Away
  | { readonly ending: 'refused'; readonly why: string }
  /** `values`: of the claim; null: the provider has sent no such claim. */
  | {
      readonly ending: 'no-role';
      readonly subject: string;
      readonly name: string;
      readonly claim: string;
      readonly values: readonly string[] | null;
    };

export interface IdentityProvider {
  readonly issuer: string;
  readonly label: string;
  /** Address of this server as browsers have it, without a path. */
  readonly serverOrigin: string;
  readonly sessionMs: number;
  begin(attempt: SignInAttempt): Promise<Away | { readonly ending: 'address'; readonly address: string }>;
  finish(
    query: string,
    attempt: SignInAttempt,
  ): Promise<NobodyOutcome | { readonly ending: 'person'; readonly person: SignedInPerson }>;
}
