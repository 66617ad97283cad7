import { existsSync, readFileSync } from 'node:fs';
import type { DetailedPeerCertificate } from 'node:tls';
import { messageOf, SlipwayError } from '../errors.ts';
import type { ProxyEnvironment } from '../protocol/proxy.ts';
import { readAuthorities } from '../system/trust.ts';
import { peerCertificates } from './peer-certificates.ts';

/** Where distributions keep the system's authorities: what a service trusts that has nothing of this command's environment. */
const SYSTEM_STORES = [
  '/etc/ssl/certs/ca-certificates.crt',
  '/etc/pki/tls/certs/ca-bundle.crt',
  '/etc/ssl/ca-bundle.pem',
  '/etc/ssl/cert.pem',
];

/**
 * Returns the authorities that a service on this machine must be told of to trust an address. They are those of the given file, or the one
 * by which this command trusts the address because its environment names it.
 *
 * @param caFile null: the command was given none
 * @param proxyEnvironment what may name a proxy on the way to the address
 * @returns certificates, PEM; null where the system's own authorities suffice
 * @throws SlipwayError CONFIG_UNREADABLE
 */
export async function privateAuthorities(
  endpoint: URL,
  caFile: string | null,
  proxyEnvironment: ProxyEnvironment,
): Promise<string | null> {
  if (endpoint.protocol !== 'https:') return null;
  if (caFile !== null) return `${readAuthorities({ env: {}, caFile }).join('\n')}\n`;
  const anchor = await anchorOf(endpoint, proxyEnvironment);
  return anchor === null || (await systemTrusts(anchor)) ? null : `${anchor}\n`;
}

/** The certificate, PEM, at the top of the chain by which this process trusts the address; null where no connection comes about. */
async function anchorOf(address: URL, proxyEnvironment: ProxyEnvironment): Promise<string | null> {
  const chain = await peerCertificates(address, proxyEnvironment, true).catch(() => []);
  const top = chain.at(-1);
  return top === undefined ? null : pemOf(top);
}

/**
 * The authority with a fingerprint, from the chain that a server sends. Nothing else of the chain is believed: a client that trusts that
 * authority from then on verifies the server's certificate as usual.
 *
 * @param sha256 of its certificate, in hex
 * @returns its certificate, PEM
 * @throws SlipwayError SERVER_UNREACHABLE when nobody answers there, or somebody whose chain has no such authority
 */
export async function authorityInChain(
  address: URL,
  sha256: string,
  proxyEnvironment: ProxyEnvironment,
): Promise<string> {
  const chain = await peerCertificates(address, proxyEnvironment, false).catch((cause: unknown) => {
    throw new SlipwayError('SERVER_UNREACHABLE', `${address.origin} cannot be reached: ${messageOf(cause)}`, { cause });
  });
  const found = chain.find((one) => one.fingerprint256.replaceAll(':', '').toLowerCase() === sha256);
  if (found !== undefined) return pemOf(found);
  throw new SlipwayError(
    'SERVER_UNREACHABLE',
    `${address.origin} does not show the authority that the token names: it is another server, or has got another certificate since`,
    { remedy: 'Check the address. After a change of the server’s certificate make a new token, or give --ca-file.' },
  );
}

function pemOf({ raw }: DetailedPeerCertificate): string {
  const lines = raw.toString('base64').match(/.{1,64}/g) ?? [];
  return ['-----BEGIN CERTIFICATE-----', ...lines, '-----END CERTIFICATE-----'].join('\n');
}

async function systemTrusts(certificate: string): Promise<boolean> {
  const { getCACertificates } = await import('node:tls');
  const bundled = getCACertificates('bundled').some((pem) => pem.trim() === certificate);
  return bundled || SYSTEM_STORES.some((file) => existsSync(file) && readFileSync(file, 'utf8').includes(certificate));
}
