import { existsSync, readFileSync } from 'node:fs';
import type { DetailedPeerCertificate } from 'node:tls';
import { readAuthorities } from '../system/trust.ts';

const HANDSHAKE_MS = 10_000;
/** Where distributions keep the system's authorities: what a service trusts that has nothing of this command's environment. */
const SYSTEM_STORES = [
  '/etc/ssl/certs/ca-certificates.crt',
  '/etc/pki/tls/certs/ca-bundle.crt',
  '/etc/ssl/ca-bundle.pem',
  '/etc/ssl/cert.pem',
];

/**
 * The authorities that a service on this machine must be told of to trust an address: those of the file that the command was given, or
 * the one by which this command trusts the address because its environment names it.
 *
 * @param caFile null: the command was given none
 * @returns certificates, PEM; null where the system's own authorities suffice
 * @throws SlipwayError CONFIG_UNREADABLE
 */
export async function privateAuthorities(endpoint: URL, caFile: string | null): Promise<string | null> {
  if (endpoint.protocol !== 'https:') return null;
  if (caFile !== null) return `${readAuthorities({ env: {}, caFile }).join('\n')}\n`;
  const anchor = await anchorOf(endpoint);
  return anchor === null || (await systemTrusts(anchor)) ? null : `${anchor}\n`;
}

/** The certificate, PEM, at the top of the chain by which this process trusts the address; null where no connection comes about. */
async function anchorOf({ hostname, port }: URL): Promise<string | null> {
  const { connect } = await import('node:tls');
  const host = hostname.replace(/^\[|\]$/g, '');
  return new Promise((resolve) => {
    const socket = connect({ host, port: port === '' ? 443 : Number(port), servername: nameOf(host) });
    const end = (anchor: string | null) => {
      socket.destroy();
      resolve(anchor);
    };
    socket.setTimeout(HANDSHAKE_MS, () => end(null));
    socket.once('error', () => end(null));
    socket.once('secureConnect', () => end(topOf(socket.getPeerCertificate(true))));
  });
}

function topOf(leaf: DetailedPeerCertificate): string {
  let top = leaf;
  // The last one is its own issuer.
  while (top.issuerCertificate !== undefined && top.issuerCertificate !== top) top = top.issuerCertificate;
  const lines = top.raw.toString('base64').match(/.{1,64}/g) ?? [];
  return ['-----BEGIN CERTIFICATE-----', ...lines, '-----END CERTIFICATE-----'].join('\n');
}

async function systemTrusts(certificate: string): Promise<boolean> {
  const { getCACertificates } = await import('node:tls');
  const bundled = getCACertificates('bundled').some((pem) => pem.trim() === certificate);
  return bundled || SYSTEM_STORES.some((file) => existsSync(file) && readFileSync(file, 'utf8').includes(certificate));
}

/** Server names in TLS are never addresses. */
function nameOf(host: string): string {
  return /^[\d.]+$|:/.test(host) ? '' : host;
}
