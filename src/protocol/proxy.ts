import { BlockList, isIP } from 'node:net';
import { SlipwayError } from '../errors.ts';

/** The variables of the environment that name proxies; the names in lower case win. */
export type ProxyEnvironment = Readonly<Record<string, string | undefined>>;

/**
 * The proxy that a request to `url` goes through; null: none.
 *
 * `proxyUri` is the configured one. Without it the usual variables apply: `https_proxy` or `http_proxy` by the scheme of `url`, else
 * `all_proxy`. Hosts in `no_proxy` are reached directly in both cases, and so is this machine: no proxy can reach its loopback.
 *
 * @throws SlipwayError SERVER_ADDRESS_INVALID for a proxy that is no http or https address; its password is never shown
 */
export function proxyFor(url: URL, proxyUri: string | null, env: ProxyEnvironment): URL | null {
  const scheme = url.protocol.replace(':', '');
  const name = variable(env, `${scheme}_proxy`) === null ? 'all_proxy' : `${scheme}_proxy`;
  const configured = proxyUri ?? variable(env, name);
  if (configured === null || isLoopback(url.hostname) || isExempt(url, variable(env, 'no_proxy') ?? '')) return null;
  const address = configured.includes('://') ? configured : `http://${configured}`;
  const proxy = URL.parse(address);
  if (proxy === null || !/^https?:$/.test(proxy.protocol) || proxy.hostname === '') {
    throw new SlipwayError(
      'SERVER_ADDRESS_INVALID',
      `the proxy in ${proxyUri === null ? name : 'proxy_uri'} is no http:// or https:// address`,
    );
  }
  return proxy;
}

function variable(env: ProxyEnvironment, name: string): string | null {
  return env[name] || env[name.toUpperCase()] || null;
}

function isLoopback(hostname: string): boolean {
  return hostname === 'localhost' || hostname === '[::1]' || /^127\.\d+\.\d+\.\d+$/.test(hostname);
}

/** `no_proxy` as curl and Go read it: `*`, names with all names below them, addresses, networks (`10.0.0.0/8`), each with a port or not. */
function isExempt(url: URL, noProxy: string): boolean {
  const host = url.hostname.replace(/^\[|\]$/g, '').toLowerCase();
  const port = url.port || (url.protocol === 'https:' ? '443' : '80');
  return noProxy
    .toLowerCase()
    .split(/[\s,]+/)
    .filter((entry) => entry !== '')
    .some((entry) => {
      if (entry === '*') return true;
      if (entry.includes('/')) return isInNetwork(host, entry);
      const [, name = entry, wantedPort = port] = /^(\[[^\]]+\]|[^:]+):(\d+)$/.exec(entry) ?? [];
      if (wantedPort !== port) return false;
      const exempt = name.replace(/^\[|\]$/g, '').replace(/^\*?\./, '');
      return host === exempt || (isIP(host) === 0 && host.endsWith(`.${exempt}`));
    });
}

function isInNetwork(host: string, network: string): boolean {
  const [address = '', bits = ''] = network.split('/');
  const family = isIP(address);
  if (family === 0 || isIP(host) !== family || !/^\d{1,3}$/.test(bits) || Number(bits) > (family === 4 ? 32 : 128)) {
    return false;
  }
  const type = family === 4 ? 'ipv4' : 'ipv6';
  const networks = new BlockList();
  networks.addSubnet(address, Number(bits), type);
  return networks.check(host, type);
}
