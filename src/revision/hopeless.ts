/** Which failures another try cannot fix. Pure. */
import { isNoTls, isUntrusted, systemErrorCode } from '../errors.ts';

/** Statuses from 400 on that may be another one soon: timeouts, too many requests, servers and gateways that are down. */
const TEMPORARY: ReadonlySet<number> = new Set([408, 425, 429, 500, 502, 503, 504, 507, 509, 520, 521, 522, 523, 524]);

export function isTemporaryStatus(status: number): boolean {
  return TEMPORARY.has(status);
}

const HOPELESS_CODES: ReadonlySet<string> = new Set([
  'ENOTFOUND', // the name is in no DNS; a resolver that does not answer says EAI_AGAIN
  'ERR_INVALID_URL',
  'ERR_INVALID_PROTOCOL',
  'ERR_UNSUPPORTED_PROTOCOL',
]);

/** Whether a fault of the network says that asking again is pointless: wrong name, wrong certificate, no TLS, an answer that is no HTTP. */
export function isHopeless(error: unknown): boolean {
  const code = systemErrorCode(error) ?? '';
  return isUntrusted(error) || isNoTls(error) || HOPELESS_CODES.has(code) || /^(CERT_|ERR_TLS_CERT|HPE_)/.test(code);
}
