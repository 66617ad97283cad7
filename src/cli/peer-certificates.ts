/** The certificates that a server shows, fetched on the way that requests to it take. Nothing is sent to the server but what TLS needs. */
import type { Duplex } from 'node:stream';
import type { DetailedPeerCertificate } from 'node:tls';
import { type ProxyEnvironment, proxyFor } from '../protocol/proxy.ts';

const HANDSHAKE_MS = 10_000;

/**
 * @param mustVerify false: the other side may show what it wants, and nothing of it is believed
 * @returns the server's own certificate first; the last one is its own issuer, or its issuer was not sent
 * @throws Error when no connection comes about, or when it must verify and does not
 */
export async function peerCertificates(
  url: URL,
  proxyEnvironment: ProxyEnvironment,
  mustVerify: boolean,
): Promise<readonly DetailedPeerCertificate[]> {
  const { connect } = await import('node:tls');
  const host = url.hostname.replace(/^\[|\]$/g, '');
  const port = url.port === '' ? 443 : Number(url.port);
  const proxy = proxyFor(url, null, proxyEnvironment);
  const way = proxy === null ? { host, port } : { socket: await tunnel(proxy, `${url.hostname}:${port}`) };
  return new Promise((resolve, reject) => {
    const socket = connect({ ...way, servername: nameOf(host), rejectUnauthorized: mustVerify });
    socket.setTimeout(HANDSHAKE_MS, () => socket.destroy(new Error('no answer over TLS')));
    socket.once('error', reject);
    socket.once('secureConnect', () => {
      const chain = chainFrom(socket.getPeerCertificate(true));
      socket.destroy();
      resolve(chain);
    });
  });
}

/** A connection through a proxy to `HOST:PORT`. */
async function tunnel(proxy: URL, target: string): Promise<Duplex> {
  const { request } = proxy.protocol === 'https:' ? await import('node:https') : await import('node:http');
  const password = `${decodeURIComponent(proxy.username)}:${decodeURIComponent(proxy.password)}`;
  const authorization =
    password === ':' ? {} : { 'proxy-authorization': `Basic ${Buffer.from(password).toString('base64')}` };
  return new Promise((resolve, reject) => {
    const call = request({
      ...{ method: 'CONNECT', host: proxy.hostname.replace(/^\[|\]$/g, ''), port: proxy.port, path: target },
      ...{ headers: { host: target, ...authorization }, timeout: HANDSHAKE_MS, agent: false },
    });
    call.once('connect', ({ statusCode }, socket: Duplex) => {
      if (statusCode === 200) resolve(socket);
      else socket.destroy(new Error(`the proxy ${proxy.host} refuses to connect to it (HTTP ${statusCode})`));
      socket.once('error', reject);
    });
    call.once('timeout', () => call.destroy(new Error(`no answer of the proxy ${proxy.host}`)));
    call.once('error', reject);
    call.end();
  });
}

function chainFrom(leaf: DetailedPeerCertificate): readonly DetailedPeerCertificate[] {
  const chain = [leaf];
  for (let top = leaf; top.issuerCertificate !== undefined && top.issuerCertificate !== top; ) {
    top = top.issuerCertificate;
    chain.push(top);
  }
  return chain;
}

/** Server names in TLS are never addresses. */
function nameOf(host: string): string {
  return /^[\d.]+$|:/.test(host) ? '' : host;
}
