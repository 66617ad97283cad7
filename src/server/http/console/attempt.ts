/**
 * One sign-in at a provider, on its way through the browser. It is sealed in a cookie, so nobody else can make one. Any server of the same
 * database can end what another one has begun.
 */
import { timingSafeEqual } from 'node:crypto';
import type { SecretSealer } from '../../store/access-keys.ts';
import type { SignInAttempt } from './identity-provider.ts';

export interface Attempt extends SignInAttempt {
  /** Path and query of the page that the person wanted to see. */
  readonly returnTo: string;
  /** The browser's session when it began; null: it had none. */
  readonly before: string | null;
  readonly expiresAtMs: number;
}

/** Long enough to find a password and a second factor. */
export const ATTEMPT_MS = 10 * 60_000;
/** Tells this from everything else that the server seals. */
const USE = 'single-sign-on attempt';
const HOME = '/console/';
const MAX_RETURN = 512;

export function sealAttempt(sealer: SecretSealer, attempt: Attempt): string {
  return sealer.seal(JSON.stringify({ ...attempt, use: USE }));
}

/** @returns null: the server has not sealed it as an attempt, or its time is over */
export function openAttempt(sealer: SecretSealer, sealed: string, nowMs: number): Attempt | null {
  let opened: unknown;
  try {
    opened = JSON.parse(sealer.open(sealed));
  } catch {
    return null;
  }
  if (typeof opened !== 'object' || opened === null) return null;
  const { use, ...attempt } = opened as Attempt & { readonly use?: unknown };
  return use === USE && attempt.expiresAtMs > nowMs ? attempt : null;
}

/** Whether the answer is to this attempt. */
export function isStateOf({ state }: SignInAttempt, given: readonly string[]): boolean {
  const [one = '', ...others] = given;
  const [a, b] = [Buffer.from(one), Buffer.from(state)];
  return others.length === 0 && a.length === b.length && timingSafeEqual(a, b);
}

/** A page of the console, and nothing else: an address that leads away would make this server vouch for another one. */
export function pageToReturnTo(wanted: unknown): string {
  if (typeof wanted !== 'string' || wanted.length > MAX_RETURN) return HOME;
  // No backslash, which browsers take for a slash, and nothing that ends the header.
  if (!/^\/console\/[\x21\x23-\x5b\x5d-\x7e]*$/.test(wanted)) return HOME;
  const url = URL.parse(wanted, 'http://here.invalid');
  return url?.host === 'here.invalid' && url.pathname.startsWith(HOME) ? `${url.pathname}${url.search}` : HOME;
}
