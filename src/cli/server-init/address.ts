/** The address that hosts reach a new server by, as people write it. Pure. */
import { SlipwayError } from '../../errors.ts';

export interface ServerAddress {
  /** The address as commands and hosts are given it: `https://deploy.example.com:8400`. */
  readonly endpoint: string;
  /** A host name in lower case, or an IP address without brackets. */
  readonly host: string;
  readonly port: number;
  readonly isHttps: boolean;
  /** Only this machine reaches it. */
  readonly isLoopback: boolean;
}

const USUAL_PORT = 8400;
const SCHEME_PORTS: Readonly<Record<string, number>> = { 'https:': 443, 'http:': 80 };
const HOST_NAME =
  /^(?=.{1,253}$)[a-z0-9_](?:[a-z0-9_-]{0,61}[a-z0-9_])?(?:\.[a-z0-9_](?:[a-z0-9_-]{0,61}[a-z0-9_])?)*$/;

/**
 * Reads `deploy.example.com`, `10.0.0.5:8400`, `[2001:db8::5]`, `https://deploy.example.com:8400`. Without a scheme it means https, and port 8400.
 *
 * @throws SlipwayError CLI_BAD_ARGUMENT
 */
export function parseServerAddress(text: string): ServerAddress {
  const hasScheme = text.includes('://');
  const url = URL.parse(hasScheme ? text : `https://${text}`);
  if (url === null || !Object.hasOwn(SCHEME_PORTS, url.protocol)) throw refused(text, 'is no address of a server');
  if (url.pathname !== '/' || url.search !== '' || url.hash !== '' || url.username !== '' || url.password !== '') {
    throw refused(text, 'has more than a host and a port');
  }
  const host = hostOf(text, url);
  if (host === '0.0.0.0' || host === '::') {
    throw refused(text, 'means every address of this machine, and hosts need one to connect to');
  }
  const isLoopback = host === 'localhost' || host === '::1' || /^127\./.test(host);
  const isHttps = url.protocol === 'https:';
  if (!isHttps && !isLoopback) throw refused(text, 'has no TLS: everybody on the way could read what is deployed');
  const port = portOf(text, url, hasScheme);
  return { endpoint: `${url.protocol}//${url.hostname}:${port}`, host, port, isHttps, isLoopback };
}

/**
 * Another name or IP address that a server's certificate is for.
 *
 * @returns a host name in lower case, or an IP address as URLs have it, without brackets
 * @throws SlipwayError CLI_BAD_ARGUMENT
 */
export function parseCertificateName(text: string): string {
  const isBareIpv6 = text.split(':').length > 2 && !text.startsWith('[');
  const url = URL.parse(`https://${isBareIpv6 ? `[${text}]` : text}/`);
  if (url === null || url.href !== `https://${url.hostname}/`) throw refused(text, 'is no name of a host');
  return hostOf(text, url);
}

function hostOf(text: string, { hostname }: URL): string {
  const host = hostname.replace(/^\[|\]$/g, '');
  const isIp = host.includes(':') || /^\d+(?:\.\d+){3}$/.test(host);
  if (isIp || HOST_NAME.test(host)) return host;
  throw refused(text, 'has no host name that a certificate can be made for');
}

/** A URL drops the port that is usual for its scheme. */
function portOf(text: string, url: URL, hasScheme: boolean): number {
  if (url.port !== '') return Number(url.port);
  return hasScheme || /:0*443$/.test(text) ? (SCHEME_PORTS[url.protocol] ?? USUAL_PORT) : USUAL_PORT;
}

/** Where a server listens that is reached by the address: all addresses of the machine, unless only the machine itself reaches it. */
export function listenFor({ host, port, isLoopback }: ServerAddress): string {
  const bracketed = (one: string) => (one.includes(':') ? `[${one}]` : one);
  if (isLoopback) return `${host === 'localhost' ? '127.0.0.1' : bracketed(host)}:${port}`;
  return `${host.includes(':') ? '[::]' : '0.0.0.0'}:${port}`;
}

function refused(text: string, why: string): SlipwayError {
  return new SlipwayError('CLI_BAD_ARGUMENT', `the address '${text}' ${why}`, {
    remedy:
      'Give the name or IP address that hosts reach this server by, as deploy.example.com or https://10.0.0.5:8400.',
  });
}
