/** The cookie that has the secret of a session, and the one that ties a sign-in at a provider to the browser that began it. Pure. */

/** A browser takes the first one over HTTPS only, and from this very host only. */
const SECURE_NAME = '__Host-slipway-console';
const PLAIN_NAME = 'slipway-console';
/** Form of a session's secret: 32 bytes as base64url. */
const TOKEN = /^[A-Za-z0-9_-]{43}$/;

/**
 * @param header the Cookie header; undefined: there is none
 * @param isTls whether the server itself speaks HTTPS: a cookie that plain HTTP could have set does not count then
 * @returns null: it names no session, or two
 */
export function sessionTokenIn(header: string | undefined, isTls: boolean): string | null {
  const names = isTls ? [SECURE_NAME] : [SECURE_NAME, PLAIN_NAME];
  for (const name of names) {
    const values = valuesIn(header, name);
    if (values.length > 1) return null;
    const [value] = values;
    if (value !== undefined) return TOKEN.test(value) ? value : null;
  }
  return null;
}

function valuesIn(header: string | undefined, name: string): readonly string[] {
  return (header ?? '')
    .split(';')
    .map((pair) => pair.trim())
    .filter((pair) => pair.startsWith(`${name}=`))
    .map((pair) => pair.slice(name.length + 1));
}

/**
 * @param isSecure whether the browser has the page by HTTPS
 * @param lifeMs how long the browser keeps it
 */
export function sessionCookie(token: string, isSecure: boolean, lifeMs: number): string {
  const [name, path] = isSecure ? [SECURE_NAME, '/'] : [PLAIN_NAME, '/console'];
  const secure = isSecure ? '; Secure' : '';
  return `${name}=${token}; Path=${path}; Max-Age=${Math.floor(lifeMs / 1000)}; HttpOnly; SameSite=Strict${secure}`;
}

/** Takes both cookies away from the browser. */
export function noCookies(): readonly string[] {
  return [sessionCookie('', true, 0), sessionCookie('', false, 0)];
}

const SECURE_ATTEMPT = '__Host-slipway-sign-in';
const PLAIN_ATTEMPT = 'slipway-sign-in';

/**
 * The sealed attempt that a browser brings back from the provider.
 *
 * @param isSecure whether browsers have the page by HTTPS: a cookie that plain HTTP could have set does not count then
 * @returns null: there is none, or two
 */
export function attemptIn(header: string | undefined, isSecure: boolean): string | null {
  const [value, ...others] = valuesIn(header, isSecure ? SECURE_ATTEMPT : PLAIN_ATTEMPT);
  return value === undefined || value === '' || others.length > 0 ? null : value;
}

/** The browser comes back from another site, so this cookie must be `Lax`; it is good for nothing but the end of this one sign-in. */
export function attemptCookie(sealed: string, isSecure: boolean, lifeMs: number): string {
  const [name, path] = isSecure ? [SECURE_ATTEMPT, '/'] : [PLAIN_ATTEMPT, '/console/single-sign-on'];
  const secure = isSecure ? '; Secure' : '';
  return `${name}=${sealed}; Path=${path}; Max-Age=${Math.floor(lifeMs / 1000)}; HttpOnly; SameSite=Lax${secure}`;
}
