/** A sign-in that `slipway console` has made: a signature in the fragment of the address, which no browser sends to a server. Pure. */
import type { SignInHeaders } from './sign.ts';

const MARK = '#sign-in=';

/** The fragment of an address that signs in. */
export function fragmentOf({ authorization, 'x-amz-date': date, 'x-slipway-nonce': nonce }: SignInHeaders): string {
  return `${MARK}${encodeURIComponent(`${date} ${nonce} ${authorization}`)}`;
}

/** @param fragment of the address, with its `#` @returns null: it holds no sign-in */
export function oneTimeSignIn(fragment: string): SignInHeaders | null {
  if (!fragment.startsWith(MARK)) return null;
  const [date = '', nonce = '', ...authorization] = decoded(fragment.slice(MARK.length)).split(' ');
  if (!/^\d{8}T\d{6}Z$/.test(date) || !/^[\w-]+$/.test(nonce) || authorization[0] !== 'AWS4-HMAC-SHA256') return null;
  return { authorization: authorization.join(' '), 'x-amz-date': date, 'x-slipway-nonce': nonce };
}

/** The access key that a sign-in is for; empty: it does not say. */
export function keyOfSignIn({ authorization }: SignInHeaders): string {
  return /Credential=([^/]{1,128})\//.exec(authorization)?.[1] ?? '';
}

function decoded(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    return '';
  }
}
