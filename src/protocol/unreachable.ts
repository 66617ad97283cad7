/** Remedies for a server that cannot be reached, chosen by the fault of the network. Pure. */
import { isNoTls, isUntrusted, systemErrorCode } from '../errors.ts';

/** For a server whose certificate nobody has signed that is trusted here. */
export const TRUST_REMEDY =
  'Name the certificate of the server’s authority: `ca_file` in the agent’s configuration, `--ca-file` or SLIPWAY_CA_FILE for a command. ' +
  'Or add it to the system’s store (on Debian: /usr/local/share/ca-certificates and `update-ca-certificates`).';

/** A proxy answered in place of the server that it would not connect to it. */
export class ProxyRefusal extends Error {
  readonly status: number;
  constructor(status: number) {
    super(`HTTP ${status}`);
    this.status = status;
  }
}

export interface WayToServer {
  readonly url: URL;
  /** null: the way is direct. */
  readonly proxy: URL | null;
  /** Where the address is written: `deploy_control_endpoint`. */
  readonly where: string;
}

const PROXY_KEYS = 'proxy_uri, or https_proxy, http_proxy or all_proxy of the environment';

/**
 * @param cause what the connection failed with
 * @param words its message, of each attempt where there were several
 */
export function remedyForNetwork(cause: unknown, words: string, { url, proxy, where }: WayToServer): string {
  const { hostname } = url;
  const code = systemErrorCode(cause) ?? '';
  if (cause instanceof ProxyRefusal) return remedyOfRefusal(cause, url);
  if (isNoTls(cause)) return 'Correct the port, or write http:// where the network is trusted.';
  if (code === 'CERT_HAS_EXPIRED') return remedyOfOwnEnd(hostname);
  if (code === 'CERT_NOT_YET_VALID') {
    return 'The certificate is not valid yet: this machine’s clock is behind (`timedatectl set-ntp true`), or the certificate is for later.';
  }
  if (code === 'ERR_TLS_CERT_ALTNAME_INVALID') {
    return `The certificate is for other names: write one of those in ${where}, or give the server a certificate for ${hostname}.`;
  }
  if (isUntrusted(cause) || /CERT|TLS|SSL/.test(code)) return TRUST_REMEDY;
  if (/ENOTFOUND|EAI_AGAIN/.test(code)) {
    return proxy === null ? remedyOfName(code, hostname, where) : remedyOfName(code, proxy.hostname, PROXY_KEYS);
  }
  if (proxy !== null) {
    return `Look whether the proxy ${proxy.host} runs and allows CONNECT to ${url.host}; or name ${hostname} in no_proxy, or correct ${PROXY_KEYS}.`;
  }
  return remedyOfDirectWay(code, words, url, where);
}

function remedyOfRefusal({ status }: ProxyRefusal, { host, hostname }: URL): string {
  if (status === 407) {
    return `The proxy wants a name and a password: write http://USER:PASSWORD@HOST:PORT in ${PROXY_KEYS}; or name ${hostname} in no_proxy.`;
  }
  return `Have the proxy allow CONNECT to ${host}; or name ${hostname} in no_proxy, where it can be reached without it.`;
}

function remedyOfDirectWay(code: string, words: string, { protocol, hostname }: URL, where: string): string {
  if (code === 'ECONNREFUSED') {
    return `Nothing listens there. Check that the server runs, and its address and port in ${where}.`;
  }
  if (code.startsWith('HPE_')) return `What answers there does not speak HTTP: correct the port in ${where}.`;
  if (code === 'ECONNRESET' && protocol === 'http:') {
    return `What answers there hangs up on http: write https:// in ${where} if it speaks TLS.`;
  }
  if (code === 'ECONNRESET') {
    return `What answers there hangs up on TLS: check the port in ${where}, and what stands between it and this machine.`;
  }
  // An address of IPv6 has many colons, and none of IPv4 was tried beside it.
  const isOnlyV6 = words.split(':').length > 4 && !/\d\.\d+\.\d/.test(words);
  if (/EHOSTUNREACH|ENETUNREACH|EADDRNOTAVAIL/.test(code) && isOnlyV6) {
    return `${hostname} was tried by IPv6 alone, and this machine has no way there (\`ip -6 route\`): give the name an IPv4 address, or this machine IPv6.`;
  }
  if (/ETIMEDOUT|ECONNABORTED|ERR_CANCELED|EHOSTUNREACH|ENETUNREACH/.test(code) || /timeout|no answer/.test(words)) {
    return `Nothing answers. Check firewalls and routes on the way to ${hostname}, and whether the server hangs.`;
  }
  return 'Check that the server runs, its address, and firewalls and proxies on the way.';
}

/** @param where the name is written */
export function remedyOfName(code: string, hostname: string, where: string): string {
  if (code === 'EAI_AGAIN') {
    return `No name server answers: look at /etc/resolv.conf and whether those named there can be reached (\`getent hosts ${hostname}\`).`;
  }
  return `Make ${hostname} resolvable (DNS or /etc/hosts), or correct ${where}.`;
}

export function remedyOfOwnEnd(hostname: string): string {
  return `The certificate of ${hostname} has ended: renew it there and restart what serves it; or this machine’s clock is ahead.`;
}
