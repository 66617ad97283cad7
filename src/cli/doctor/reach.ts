/** Whether an address answers, and if not, why. */
import { lookup } from 'node:dns/promises';
import axios, { isAxiosError } from 'axios';
import { NO_TLS_REMEDY } from '../../agent/tls-check.ts';
import { isNoTls, messageOf } from '../../errors.ts';
import { proxyFor } from '../../protocol/proxy.ts';
import { TRUST_REMEDY } from '../../system/trust.ts';
import { type Finding, fail, ok } from './check.ts';
import type { Environment } from './service-environment.ts';

export const ANSWER_MS = 10_000;
/** More of an answer is not needed to tell who gave it; bytes. */
const MAX_ANSWER = 64 * 1024;

export interface Place {
  readonly url: string;
  /** What the finding is called. */
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
    const detail = `${url}: ${code} ${messageOf(error)}`.trim();
    if (isNoTls(error)) return { fault: fail(ofTls(check), detail, NO_TLS_REMEDY) };
    const remedy = remedyOf(code, messageOf(error), { url, key, proxy });
    return { fault: fail(/CERT|TLS|SSL|SELF_SIGNED|UNABLE_TO/.test(code) ? ofTls(check) : check, detail, remedy) };
  }
}

/** The control endpoint's own finding is called TLS. */
function ofTls(check: string): string {
  return check === 'connection' ? 'TLS' : check;
}

function remedyOf(
  code: string,
  message: string,
  { url, key, proxy }: { readonly url: string; readonly key: string; readonly proxy: URL | null },
): string {
  const { hostname } = new URL(url);
  if (code === 'CERT_HAS_EXPIRED') {
    return `The certificate of ${hostname} has ended: renew it there and restart what serves it; or this machine’s clock is ahead.`;
  }
  if (code === 'CERT_NOT_YET_VALID') {
    return 'The certificate is not valid yet: this machine’s clock is behind (`timedatectl set-ntp true`), or the certificate is for later.';
  }
  if (code === 'ERR_TLS_CERT_ALTNAME_INVALID') {
    return `The certificate is for other names: write one of those in ${key}, or give the server a certificate for ${hostname}.`;
  }
  if (/CERT|TLS|SSL|SELF_SIGNED|UNABLE_TO/.test(code)) return TRUST_REMEDY;
  if (proxy !== null) {
    return `Look whether the proxy ${proxy.host} runs and allows CONNECT to it; or name ${hostname} in no_proxy of the agent’s environment.`;
  }
  if (/ENOTFOUND|EAI_AGAIN/.test(code)) {
    return `Make ${hostname} resolvable (DNS or /etc/hosts), or correct ${key}.`;
  }
  if (code === 'ECONNREFUSED') {
    return `Nothing listens there. Check that the server runs, and its address and port in ${key}.`;
  }
  if (code === 'ECONNRESET' && url.startsWith('http:')) {
    return `What answers there hangs up on http: write https:// in ${key} if it speaks TLS.`;
  }
  if (/ETIMEDOUT|ECONNABORTED|ERR_CANCELED|EHOSTUNREACH|ENETUNREACH/.test(code) || /timeout/.test(message)) {
    return `Nothing answers. Check firewalls and routes on the way to ${hostname}, and whether the server hangs.`;
  }
  return 'Check that the server runs, its address, and firewalls and proxies on the way.';
}

export async function lookAtName(url: string, check: string, key: string): Promise<Finding> {
  const { hostname } = new URL(url);
  try {
    const addresses = await lookup(hostname.replace(/^\[|\]$/g, ''), { all: true });
    return ok(check, `${hostname} is ${addresses.map(({ address }) => address).join(', ')}`);
  } catch (error) {
    return fail(check, messageOf(error), `Make ${hostname} resolvable (DNS or /etc/hosts), or correct ${key}.`);
  }
}

async function proxyAgents(proxy: URL) {
  const { HttpsProxyAgent } = await import('https-proxy-agent');
  const agent = new HttpsProxyAgent(proxy);
  return { httpAgent: agent, httpsAgent: agent };
}
