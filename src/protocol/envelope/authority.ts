import { webcrypto } from 'node:crypto';
import * as asn1js from 'asn1js';
import { AttributeTypeAndValue, BasicConstraints, Certificate, Extension } from 'pkijs';
import type { Random } from '../../system/random.ts';
import {
  BASIC_CONSTRAINTS,
  COMMON_NAME,
  decodePem,
  encodePem,
  KEY_ALGORITHM,
  KEY_USAGE,
  nodeCryptoEngine,
  readCertificate,
} from './certificates.ts';

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
/** Agents' clocks may be behind the server's. */
const BACKDATED_MS = DAY_MS;

const USAGE_CERT_SIGN = 0x04;
const USAGE_DIGITAL_SIGNATURE = 0x80;

export async function createSigningAuthority(options: MakingOptions): Promise<SigningAuthority> {
  const keys = await makeKeys();
  const certificate = makeCertificate(options, options.commonName, options.commonName, AUTHORITY_LIFE_MS);
  certificate.extensions = [
    extension(BASIC_CONSTRAINTS, new BasicConstraints({ cA: true, pathLenConstraint: 0 }).toSchema()),
    keyUsage(USAGE_CERT_SIGN),
  ];
  await finish(certificate, keys.publicKey, keys.privateKey);
  return { caCertificatePem: certificatePem(certificate), caPrivateKeyPem: await privateKeyPem(keys.privateKey) };
}

/** @throws Error when the authority's texts are damaged */
export async function issueSigner(authority: SigningAuthority, options: MakingOptions): Promise<Signer> {
  const ca = readCertificate(authority.caCertificatePem);
  const caKeyDer = decodePem('PRIVATE KEY', authority.caPrivateKeyPem);
  if (ca === null || caKeyDer === null) throw new Error('the signing authority’s certificate or key cannot be read');
  const caKey = await webcrypto.subtle.importKey('pkcs8', caKeyDer, KEY_ALGORITHM, false, ['sign']);
  const keys = await makeKeys();
  const certificate = makeCertificate(options, options.commonName, null, SIGNER_LIFE_MS);
  certificate.issuer = ca.subject;
  certificate.extensions = [
    extension(BASIC_CONSTRAINTS, new BasicConstraints({ cA: false }).toSchema()),
    keyUsage(USAGE_DIGITAL_SIGNATURE),
  ];
  await finish(certificate, keys.publicKey, caKey);
  return {
    certificatePem: certificatePem(certificate),
    privateKeyPem: await privateKeyPem(keys.privateKey),
    caCertificatePem: authority.caCertificatePem,
    notAfterMs: options.nowMs + SIGNER_LIFE_MS,
  };
}

function makeCertificate(options: MakingOptions, subject: string, issuer: string | null, lifeMs: number): Certificate {
  const certificate = new Certificate();
  certificate.version = 2;
  certificate.serialNumber = new asn1js.Integer({ valueHex: positive(options.random.bytes(16)) });
  certificate.subject.typesAndValues.push(commonName(subject));
  if (issuer !== null) certificate.issuer.typesAndValues.push(commonName(issuer));
  certificate.notBefore.value = new Date(options.nowMs - BACKDATED_MS);
  certificate.notAfter.value = new Date(options.nowMs + lifeMs);
  return certificate;
}

/** A serial number is positive: the first bit must be 0, and the first byte something. */
function positive(bytes: Buffer): ArrayBuffer {
  const serial = Uint8Array.from(bytes);
  serial[0] = ((serial[0] ?? 0) & 0x7f) | 0x40;
  return serial.buffer;
}

function commonName(value: string): AttributeTypeAndValue {
  return new AttributeTypeAndValue({ type: COMMON_NAME, value: new asn1js.Utf8String({ value }) });
}

function extension(extnID: string, value: asn1js.BaseBlock): Extension {
  return new Extension({ extnID, critical: true, extnValue: value.toBER(false) });
}

function keyUsage(bits: number): Extension {
  const unusedBits = bits === USAGE_CERT_SIGN ? 2 : 7;
  return extension(KEY_USAGE, new asn1js.BitString({ valueHex: Uint8Array.of(bits).buffer, unusedBits }));
}

async function makeKeys(): Promise<webcrypto.CryptoKeyPair> {
  return webcrypto.subtle.generateKey(KEY_ALGORITHM, true, ['sign', 'verify']);
}

async function finish(
  certificate: Certificate,
  publicKey: webcrypto.CryptoKey,
  issuerKey: webcrypto.CryptoKey,
): Promise<void> {
  const engine = nodeCryptoEngine();
  await certificate.subjectPublicKeyInfo.importKey(publicKey, engine);
  await certificate.sign(issuerKey, 'SHA-256', engine);
}

function certificatePem(certificate: Certificate): string {
  return encodePem('CERTIFICATE', certificate.toSchema(true).toBER(false));
}

async function privateKeyPem(key: webcrypto.CryptoKey): Promise<string> {
  return encodePem('PRIVATE KEY', await webcrypto.subtle.exportKey('pkcs8', key));
}
