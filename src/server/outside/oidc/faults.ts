/** Says in words what went wrong between this server and the provider. */
import { AuthorizationResponseError, ClientError, ResponseBodyError } from 'openid-client';
import { NoAnswer } from './provider-fetch.ts';

const MAX_WORDS = 300;

/** Whether the provider cannot be asked just now: it says nothing, or nothing that a provider says. */
export function isAway(error: unknown): boolean {
  const chain = chainOf(error);
  if (chain.some((one) => one instanceof NoAnswer)) return true;
  return chain.some((one) => one instanceof ClientError && one.code !== undefined && OF_AWAY.includes(one.code));
}

/** Codes of answers that come from a proxy in front of a provider, or from one that has a fault itself. */
const OF_AWAY: readonly string[] = ['OAUTH_TIMEOUT', 'OAUTH_RESPONSE_IS_NOT_CONFORM', 'OAUTH_RESPONSE_IS_NOT_JSON'];

/** One line; parts of it are the provider's own words. */
export function faultOfSignIn(error: unknown): string {
  const [first] = chainOf(error);
  if (first instanceof AuthorizationResponseError || first instanceof ResponseBodyError) {
    const words = first.error_description === undefined ? first.error : `${first.error}: ${first.error_description}`;
    return oneLine(
      first.error === 'invalid_client' ? `${words} (it does not take this server’s clientId and secret)` : words,
    );
  }
  const messages = chainOf(error).map((one) => one.message);
  return oneLine([...new Set(messages.filter((message) => message !== ''))].join(': '));
}

function chainOf(error: unknown): readonly Error[] {
  const found: Error[] = [];
  for (let one = error; one instanceof Error && found.length < 5; one = one.cause) found.push(one);
  return found;
}

function oneLine(text: string): string {
  return text
    .replaceAll(/[\p{C}\s]+/gu, ' ')
    .trim()
    .slice(0, MAX_WORDS);
}
