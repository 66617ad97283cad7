import { createHash, webcrypto } from 'node:crypto';
import * as asn1js from 'asn1js';
import {
  AttributeTypeAndValue,
  AuthorityKeyIdentifier,
  BasicConstraints,
  Certificate,
  Extension,
  Time,
  TimeType,
} from 'pkijs';
import type { Random } from '../../system/random.ts';
import {
  AUTHORITY_KEY_IDENTIFIER,
  BASIC_CONSTRAINTS,
  COMMON_NAME,
  KEY_ALGORITHM,
  KEY_USAGE,
  nodeCryptoEngine,
  readCertificates,
  SUBJECT_KEY_IDENTIFIER,
} from './certificates.ts';
import { decodePem, encodePem } from './pem.ts';

/** The root of trust of one server: agents pin its certificate, and it signs nothing but signers. */
export interface SigningAuthority {
  readonly caCertificatePem: string;
  readonly caPrivateKeyPem: string;
}

/** What signs deployment specifications. Short-lived and replaceable: agents trust the authority, not the signer. */
export interface Signer {
  readonly certificatePem: string;
  readonly privateKeyPem: string;
  readonly caCertificatePem: string;
  readonly notAfterMs: number;
}

interface MakingOptions {
  readonly nowMs: number;
  readonly random: Pick<Random, 'bytes'>;
  readonly commonName: string;
}

const DAY_MS = 24 * 60 * 60 * 1000;
/** As long as the service life of a server; it is replaced by enrolling hosts again. */
const AUTHORITY_LIFE_MS = 20 * 365 * DAY_MS;
const SIGNER_LIFE_MS = 90 * DAY_MS;
/** Agents’ clocks may be behind the server’s. */
const BACKDATED_MS = DAY_MS;

const USAGE_CERT_SIGN = 0x04;
const USAGE_DIGITAL_SIGNATURE = 0x80;

/** Makes the keys and the self-signed certificate of a new authority. */
export async function createSigningAuthority(options: MakingOptions): Promise<SigningAuthority> {
  const keys = await makeKeys();
  const certificate = await makeCertificate(options, AUTHORITY_LIFE_MS, keys.publicKey);
  certificate.issuer = certificate.subject;
  certificate.extensions?.push(
    extension(BASIC_CONSTRAINTS, new BasicConstraints({ cA: true, pathLenConstraint: 0 }).toSchema(), {
      critical: true,
    }),
    keyUsage(USAGE_CERT_SIGN),
  );
  await certificate.sign(keys.privateKey, 'SHA-256', nodeCryptoEngine());
  return { caCertificatePem: certificatePem(certificate), caPrivateKeyPem: await privateKeyPem(keys.privateKey) };
}

/** @throws Error when the authority's texts are damaged */
export async function issueSigner(authority: SigningAuthority, options: MakingOptions): Promise<Signer> {
  const [ca] = readCertificates(authority.caCertificatePem) ?? [];
  const [caKeyDer] = decodePem('PRIVATE KEY', authority.caPrivateKeyPem) ?? [];
  if (ca === undefined || caKeyDer === undefined) {
    throw new Error('the signing authority’s certificate or key cannot be read');
  }
  const caKey = await webcrypto.subtle.importKey('pkcs8', caKeyDer, KEY_ALGORITHM, false, ['sign']);
  const keys = await makeKeys();
  const certificate = await makeCertificate(options, SIGNER_LIFE_MS, keys.publicKey);
  certificate.issuer = ca.subject;
  certificate.extensions?.push(
    extension(BASIC_CONSTRAINTS, new BasicConstraints({ cA: false }).toSchema(), { critical: true }),
    keyUsage(USAGE_DIGITAL_SIGNATURE),
    extension(
      AUTHORITY_KEY_IDENTIFIER,
      new AuthorityKeyIdentifier({
        keyIdentifier: new asn1js.OctetString({ valueHex: subjectKeyIdentifier(ca) }),
      }).toSchema(),
    ),
  );
  await certificate.sign(caKey, 'SHA-256', nodeCryptoEngine());
  return {
    certificatePem: certificatePem(certificate),
    privateKeyPem: await privateKeyPem(keys.privateKey),
    caCertificatePem: authority.caCertificatePem,
    notAfterMs: certificate.notAfter.value.getTime(),
  };
}

/** What both kinds have in common; issuer, further extensions and signature are still to come. */
async function makeCertificate(
  options: MakingOptions,
  lifeMs: number,
  publicKey: webcrypto.CryptoKey,
): Promise<Certificate> {
  const certificate = new Certificate();
  certificate.version = 2;
  certificate.serialNumber = new asn1js.Integer({ valueHex: positive(options.random.bytes(16)) });
  certificate.subject.typesAndValues.push(
    new AttributeTypeAndValue({ type: COMMON_NAME, value: new asn1js.Utf8String({ value: options.commonName }) }),
  );
  certificate.notBefore = time(options.nowMs - BACKDATED_MS);
  certificate.notAfter = time(options.nowMs + lifeMs);
  await certificate.subjectPublicKeyInfo.importKey(publicKey, nodeCryptoEngine());
  certificate.extensions = [
    extension(SUBJECT_KEY_IDENTIFIER, new asn1js.OctetString({ valueHex: keyIdentifier(certificate) })),
  ];
  return certificate;
}

/** A serial number is positive: the first bit must be 0, and the first byte something. */
function positive(bytes: Buffer): ArrayBuffer {
  const serial = Uint8Array.from(bytes);
  serial[0] = ((serial[0] ?? 0) & 0x7f) | 0x40;
  return serial.buffer;
}

/** Whole seconds, and four-digit years from 2050 on (RFC 5280, 4.1.2.5). */
function time(ms: number): Time {
  const value = new Date(Math.floor(ms / 1000) * 1000);
  return new Time({ value, type: value.getUTCFullYear() < 2050 ? TimeType.UTCTime : TimeType.GeneralizedTime });
}

/** What an authority, perhaps one that others made, calls its own key. */
function subjectKeyIdentifier(certificate: Certificate): ArrayBuffer {
  const stated = certificate.extensions?.find(({ extnID }) => extnID === SUBJECT_KEY_IDENTIFIER)?.parsedValue;
  return stated instanceof asn1js.OctetString ? stated.valueBlock.valueHex : keyIdentifier(certificate);
}

/** 160 bits of the SHA-256 of the public key (RFC 7093, 2, method 1): tells authorities of one name apart. */
function keyIdentifier(certificate: Certificate): ArrayBuffer {
  const key = certificate.subjectPublicKeyInfo.subjectPublicKey.valueBlock.valueHexView;
  return Uint8Array.from(createHash('sha256').update(key).digest().subarray(0, 20)).buffer;
}

function extension(extnID: string, value: asn1js.BaseBlock, { critical = false } = {}): Extension {
  return new Extension({ extnID, critical, extnValue: value.toBER(false) });
}

function keyUsage(bits: number): Extension {
  const unusedBits = bits === USAGE_CERT_SIGN ? 2 : 7;
  const value = new asn1js.BitString({ valueHex: Uint8Array.of(bits).buffer, unusedBits });
  return extension(KEY_USAGE, value, { critical: true });
}

async function makeKeys(): Promise<webcrypto.CryptoKeyPair> {
  return webcrypto.subtle.generateKey(KEY_ALGORITHM, true, ['sign', 'verify']);
}

function certificatePem(certificate: Certificate): string {
  return encodePem('CERTIFICATE', certificate.toSchema(true).toBER(false));
}

async function privateKeyPem(key: webcrypto.CryptoKey): Promise<string> {
  return encodePem('PRIVATE KEY', await webcrypto.subtle.exportKey('pkcs8', key));
}
