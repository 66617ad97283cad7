/** The parts that all certificates have which this project makes: for signers of specifications, and for a server's TLS. */
import { createHash, webcrypto } from 'node:crypto';
import * as asn1js from 'asn1js';
import { AttributeTypeAndValue, Certificate, Extension, Time, TimeType } from 'pkijs';
import type { Random } from '../../system/random.ts';
import { COMMON_NAME, KEY_USAGE, nodeCryptoEngine, SUBJECT_KEY_IDENTIFIER } from './certificates.ts';
import { encodePem } from './pem.ts';

export interface MakingOptions {
  readonly nowMs: number;
  readonly random: Pick<Random, 'bytes'>;
  readonly commonName: string;
}

/** Hosts’ clocks may be behind the server’s. */
const BACKDATED_MS = 24 * 60 * 60 * 1000;

export const USAGE_CERT_SIGN = 0x04;
export const USAGE_DIGITAL_SIGNATURE = 0x80;

/**
 * A certificate with serial number, subject, times, public key and the key's identifier. The caller adds the issuer and further extensions, and
 * signs it.
 *
 * @param lifeMs how long it is valid from now on; milliseconds
 */
export async function newCertificate(
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

/** Returns the key identifier that an authority states, also one that another program chose; else computes it from the key. */
export function subjectKeyIdentifier(certificate: Certificate): ArrayBuffer {
  const stated = certificate.extensions?.find(({ extnID }) => extnID === SUBJECT_KEY_IDENTIFIER)?.parsedValue;
  return stated instanceof asn1js.OctetString ? stated.valueBlock.valueHex : keyIdentifier(certificate);
}

/** 160 bits of the SHA-256 of the public key (RFC 7093, 2, method 1): tells authorities of one name apart. */
function keyIdentifier(certificate: Certificate): ArrayBuffer {
  const key = certificate.subjectPublicKeyInfo.subjectPublicKey.valueBlock.valueHexView;
  return Uint8Array.from(createHash('sha256').update(key).digest().subarray(0, 20)).buffer;
}

export function extension(extnID: string, value: asn1js.BaseBlock, { critical = false } = {}): Extension {
  return new Extension({ extnID, critical, extnValue: value.toBER(false) });
}

export function keyUsage(bits: number): Extension {
  const unusedBits = bits === USAGE_CERT_SIGN ? 2 : 7;
  const value = new asn1js.BitString({ valueHex: Uint8Array.of(bits).buffer, unusedBits });
  return extension(KEY_USAGE, value, { critical: true });
}

export function certificatePem(certificate: Certificate): string {
  return encodePem('CERTIFICATE', certificate.toSchema(true).toBER(false));
}

export async function privateKeyPem(key: webcrypto.CryptoKey): Promise<string> {
  return encodePem('PRIVATE KEY', await webcrypto.subtle.exportKey('pkcs8', key));
}
