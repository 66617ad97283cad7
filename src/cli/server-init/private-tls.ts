/** A private certificate authority, and a certificate of it for one server. */
import { webcrypto } from 'node:crypto';
import { isIP, isIPv4 } from 'node:net';
import * as asn1js from 'asn1js';
import { AuthorityKeyIdentifier, BasicConstraints, ExtKeyUsage, GeneralName, GeneralNames } from 'pkijs';
import {
  certificatePem,
  extension,
  keyUsage,
  newCertificate,
  privateKeyPem,
  subjectKeyIdentifier,
  USAGE_CERT_SIGN,
  USAGE_DIGITAL_SIGNATURE,
} from '../../protocol/envelope/certificate-writer.ts';
import { AUTHORITY_KEY_IDENTIFIER, BASIC_CONSTRAINTS, nodeCryptoEngine } from '../../protocol/envelope/certificates.ts';
import type { Random } from '../../system/random.ts';

/** All PEM. */
export interface PrivateTls {
  readonly authorityCertificate: string;
  readonly authorityKey: string;
  /** The server's certificate, and the authority's behind it: hosts that enrol with a token find it there. */
  readonly serverChain: string;
  readonly serverKey: string;
}

/** Small signatures that cost a server little at each connection; every TLS library has this curve. */
const CURVE = { name: 'ECDSA', namedCurve: 'P-256' } as const;
const YEAR_MS = 365 * 24 * 60 * 60 * 1000;
const AUTHORITY_LIFE_MS = 20 * YEAR_MS;
/** The same authority can sign a new one at any time, but nobody should have to think of it every year. */
const SERVER_LIFE_MS = 10 * YEAR_MS;
const SUBJECT_ALT_NAME = '2.5.29.17';
const EXTENDED_KEY_USAGE = '2.5.29.37';
const SERVER_AUTH = '1.3.6.1.5.5.7.3.1';
/** Kinds of GeneralName (RFC 5280, 4.2.1.6). */
const DNS_NAME = 2;
const IP_ADDRESS = 7;

/** @param options names: host names and IP addresses, as `hostOf` gives them, that the certificate is for */
export async function makePrivateTls(options: {
  readonly names: readonly string[];
  readonly nowMs: number;
  readonly random: Pick<Random, 'bytes'>;
}): Promise<PrivateTls> {
  const { names, ...making } = options;
  const engine = nodeCryptoEngine();
  const [authorityKeys, serverKeys] = await Promise.all([makeKeys(), makeKeys()]);
  // Two authorities of one name could be confused by those who read certificates.
  const authorityName = `Slipway authority ${options.random.bytes(4).toString('hex')}`;
  const authority = await newCertificate(
    { ...making, commonName: authorityName },
    AUTHORITY_LIFE_MS,
    authorityKeys.publicKey,
  );
  authority.issuer = authority.subject;
  const isAuthority = new BasicConstraints({ cA: true, pathLenConstraint: 0 }).toSchema();
  authority.extensions?.push(extension(BASIC_CONSTRAINTS, isAuthority, { critical: true }), keyUsage(USAGE_CERT_SIGN));
  await authority.sign(authorityKeys.privateKey, 'SHA-256', engine);

  const server = await newCertificate(
    { ...making, commonName: 'Slipway server' },
    SERVER_LIFE_MS,
    serverKeys.publicKey,
  );
  server.issuer = authority.subject;
  const issuerKey = new asn1js.OctetString({ valueHex: subjectKeyIdentifier(authority) });
  server.extensions?.push(
    extension(BASIC_CONSTRAINTS, new BasicConstraints({ cA: false }).toSchema(), { critical: true }),
    keyUsage(USAGE_DIGITAL_SIGNATURE),
    extension(EXTENDED_KEY_USAGE, new ExtKeyUsage({ keyPurposes: [SERVER_AUTH] }).toSchema()),
    extension(SUBJECT_ALT_NAME, new GeneralNames({ names: names.map(generalName) }).toSchema()),
    extension(AUTHORITY_KEY_IDENTIFIER, new AuthorityKeyIdentifier({ keyIdentifier: issuerKey }).toSchema()),
  );
  await server.sign(authorityKeys.privateKey, 'SHA-256', engine);
  return {
    authorityCertificate: certificatePem(authority),
    authorityKey: await privateKeyPem(authorityKeys.privateKey),
    serverChain: certificatePem(server) + certificatePem(authority),
    serverKey: await privateKeyPem(serverKeys.privateKey),
  };
}

function makeKeys(): Promise<webcrypto.CryptoKeyPair> {
  return webcrypto.subtle.generateKey(CURVE, true, ['sign', 'verify']);
}

function generalName(name: string): GeneralName {
  if (isIP(name) === 0) return new GeneralName({ type: DNS_NAME, value: name });
  return new GeneralName({ type: IP_ADDRESS, value: new asn1js.OctetString({ valueHex: bytesOfIp(name).buffer }) });
}

/** @param address of version 6: as URLs have it, in hexadecimal words alone */
function bytesOfIp(address: string): Uint8Array<ArrayBuffer> {
  if (isIPv4(address)) return Uint8Array.from(address.split('.').map(Number));
  const [before = '', after = ''] = address.split('::');
  const words = (text: string) => (text === '' ? [] : text.split(':').map((word) => Number.parseInt(word, 16)));
  const [head, tail] = [words(before), words(after)];
  const all = [...head, ...Array<number>(8 - head.length - tail.length).fill(0), ...tail];
  return Uint8Array.from(all.flatMap((word) => [word >> 8, word & 0xff]));
}
