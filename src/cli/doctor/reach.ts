/** Whether an address answers, and if not, why. */
import { lookup } from 'node:dns/promises';
import axios, { isAxiosError } from 'axios';
import { NO_TLS_REMEDY } from '../../agent/tls-check.ts';
import { isNoTls, messageOf, systemErrorCode } from '../../errors.ts';
import { proxyFor } from '../../protocol/proxy.ts';
import { remedyForNetwork, remedyOfName, remedyOfOwnEnd } from '../../protocol/unreachable.ts';
import { type Finding, fail, ok } from './check.ts';
import { endedAuthority } from './peer-chain.ts';
import type { Environment } from './service-environment.ts';

export const ANSWER_MS = 10_000;
/** More of an answer is not needed to tell who gave it; bytes. */
const MAX_ANSWER = 64 * 1024;

export interface Place {
  readonly url: string;
  /** Name of the finding. */
  readonly check: string;
  /** Where the address is configured. */
  readonly key: string;
  readonly proxyUri: string | null;
  readonly env: Environment;
}

/** Any HTTP answer, or the fault that it was not given for. */
export type Reached =
  | { readonly status: number; readonly date: string; readonly text: string }
  | { readonly fault: Finding };

export async function reach({ url, check, key, proxyUri, env }: Place): Promise<Reached> {
  let proxy: URL | null;
  try {
    proxy = proxyFor(new URL(url), proxyUri, env);
  } catch (error) {
    return { fault: fail(check, messageOf(error), 'Correct proxy_uri, or the variable of the agent’s environment.') };
  }
  try {
    const answer = await axios.get<string>(url, {
      timeout: ANSWER_MS,
      signal: AbortSignal.timeout(ANSWER_MS),
      validateStatus: () => true,
      maxRedirects: 0,
      maxContentLength: MAX_ANSWER,
      responseType: 'text',
      transformResponse: (text: string) => text,
      proxy: false,
      ...(proxy === null ? {} : await proxyAgents(proxy)),
    });
    return { status: answer.status, date: String(answer.headers['date'] ?? ''), text: String(answer.data) };
  } catch (error) {
    const code = isAxiosError(error) ? (error.code ?? '') : '';
    // An answer that is too long is one.
    if (/maxContentLength/.test(messageOf(error))) return { status: 200, date: '', text: '' };
    const detail = `${url}: ${code} ${wordsOf(error)}`.trim();
    if (isNoTls(error)) return { fault: fail(ofTls(check), detail, NO_TLS_REMEDY) };
    if (code === 'CERT_HAS_EXPIRED' && proxy === null) {
      return { fault: fail(ofTls(check), detail, await remedyOfEnd(new URL(url))) };
    }
    const remedy = remedyForNetwork(error, wordsOf(error), { url: new URL(url), where: key, proxy });
    return { fault: fail(/CERT|TLS|SSL|SELF_SIGNED|UNABLE_TO/.test(code) ? ofTls(check) : check, detail, remedy) };
  }
}

/** An address of two families is tried by both, and each attempt has its own reason. */
function wordsOf(error: unknown): string {
  const cause = error instanceof Error ? error.cause : undefined;
  const attempts = error instanceof AggregateError ? error : cause;
  return attempts instanceof AggregateError ? attempts.errors.map(messageOf).join('; ') : messageOf(error);
}

/** The control endpoint's own finding is called TLS. */
function ofTls(check: string): string {
  return check === 'connection' ? 'TLS' : check;
}

/** Whether names can be resolved: that of the address, or of the proxy, which then resolves all others. */
export async function lookAtName({ url, key, proxyUri, env }: Omit<Place, 'check'>, check: string): Promise<Finding> {
  const proxy = proxyOf({ url, proxyUri, env });
  const hostname = (proxy ?? new URL(url)).hostname.replace(/^\[|\]$/g, '');
  try {
    const addresses = await lookup(hostname, { all: true });
    const whose = proxy === null ? hostname : `the proxy ${hostname}`;
    return ok(check, `${whose} is ${addresses.map(({ address }) => address).join(', ')}`);
  } catch (error) {
    const where = proxy === null ? key : 'proxy_uri, or the variable of the agent’s environment';
    return fail(check, messageOf(error), remedyOfName(systemErrorCode(error) ?? '', hostname, where));
  }
}

/** null also for one that cannot be used, which the connection tells. */
function proxyOf({ url, proxyUri, env }: Pick<Place, 'url' | 'proxyUri' | 'env'>): URL | null {
  try {
    return proxyFor(new URL(url), proxyUri, env);
  } catch {
    return null;
  }
}

async function proxyAgents(proxy: URL) {
  const { HttpsProxyAgent } = await import('https-proxy-agent');
  const agent = new HttpsProxyAgent(proxy);
  return { httpAgent: agent, httpsAgent: agent };
}

/** Which certificate of the chain has ended: the other side's own, or one above it. */
async function remedyOfEnd(url: URL): Promise<string> {
  const authority = await endedAuthority(url, ANSWER_MS);
  if (authority === null) return remedyOfOwnEnd(url.hostname);
  return (
    `The certificate of the authority ${authority} has ended: have the server show one of an authority that goes on, and name that ` +
    'authority’s certificate in ca_file (`slipway register --force --ca-file FILE`); or this machine’s clock is ahead.'
  );
}
