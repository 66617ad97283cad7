/**
 * How many requests a key and an address may send, and how often an address may fail to prove who it is.
 *
 * A fleet is often behind one address. So hosts are limited each by its own key alone, and never by their address. And an address that has
 * failed too often is closed only to keys that have not proved themselves from there before. So guessing is slow, and the hosts beside the
 * guesser go on.
 */
import { ApiError } from '../../protocol/errors.ts';
import { type Buckets, createBuckets, type Rate } from './buckets.ts';

export interface RateLimits {
  /** Requests of one key of people. */
  readonly perKey: Rate | null;
  /** Requests of one host's key. */
  readonly perHost: Rate | null;
  /** Requests of all keys of people from one address. */
  readonly perAddress: Rate | null;
  /** Requests of one address whose key or token is not known, or whose signature is wrong. */
  readonly failures: Rate | null;
}

/** Limit that a refused request has exceeded. */
export type Throttled = 'key' | 'host' | 'address' | 'failures';

/** Sender of a request, as the request claims: the client's address (`clientOf`), and the id of the key or token. */
export interface Claim {
  readonly client: string;
  readonly id: string;
}

export interface Rates {
  /** Asked before the key is looked up. @throws ApiError ThrottlingException */
  admit(claim: Claim): void;
  /** The key or the token is not known, or its secret is not the right one. */
  failed(claim: Claim): void;
  /** It has proved who it is. @param role of the key, or `token` for an enrolment token @throws ApiError ThrottlingException */
  proved(claim: Claim, role: string): void;
}

export const NO_RATE_LIMITS: RateLimits = { perKey: null, perHost: null, perAddress: null, failures: null };

/** Names that are remembered of each kind; a hundred bytes each, and a large fleet has as many. */
const MOST = 32_768;

/** @param onThrottled is told of each request that is refused */
export function createRates(
  limits: RateLimits,
  { nowMs, onThrottled }: { nowMs(): number; onThrottled(by: Throttled): void },
): Rates {
  const bucketsOf = (rate: Rate | null): Buckets | null => (rate === null ? null : createBuckets(rate, MOST, nowMs));
  const buckets = { perKey: bucketsOf(limits.perKey), perHost: bucketsOf(limits.perHost) };
  const perAddress = bucketsOf(limits.perAddress);
  const failures = bucketsOf(limits.failures);
  const proven = createProven();
  const throttle = (by: Throttled, waitMs: number) => {
    if (waitMs === 0) return;
    onThrottled(by);
    throw throttled(by, waitMs);
  };
  return {
    admit(claim) {
      if (failures === null || proven.has(claim)) return;
      throttle('failures', failures.waitMs(claim.client));
    },
    failed(claim) {
      proven.delete(claim);
      failures?.take(claim.client);
    },
    proved(claim, role) {
      if (failures !== null) proven.add(claim);
      if (role === 'token') return;
      if (role === 'host') return throttle('host', buckets.perHost?.take(claim.id) ?? 0);
      // The key first: what it asks beyond its own limit must not use up what others have at its address.
      throttle('key', buckets.perKey?.take(claim.id) ?? 0);
      throttle('address', perAddress?.take(claim.client) ?? 0);
    },
  };
}

/** The latest who have proved themselves, each with the address that it did so from. */
function createProven() {
  const names = new Set<string>();
  const nameOf = ({ client, id }: Claim) => `${client} ${id}`;
  return {
    has: (claim: Claim) => names.has(nameOf(claim)),
    delete: (claim: Claim) => names.delete(nameOf(claim)),
    add(claim: Claim) {
      const name = nameOf(claim);
      names.delete(name);
      names.add(name);
      if (names.size > MOST) names.delete(names.keys().next().value ?? '');
    },
  };
}

const WHY: Readonly<Record<Throttled, string>> = {
  key: 'this access key sends more requests than a key may',
  host: 'this host sends more requests than a host may',
  address: 'more requests come from your address than one may send',
  failures: 'too many requests from your address did not prove who sent them',
};

function throttled(by: Throttled, waitMs: number): ApiError {
  const retryAfterSeconds = Math.max(1, Math.ceil(waitMs / 1000));
  const message = `Rate exceeded: ${WHY[by]}. Try again in ${retryAfterSeconds} s.`;
  return new ApiError('ThrottlingException', message, { retryAfterSeconds });
}
