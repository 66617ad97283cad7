/** A certificate as verifying needs it: OpenSSL's view of it, and what Node does not tell. */
import { X509Certificate } from 'node:crypto';
import { BerError, type BerValue, expectTag, objectIdentifierOf, octetsOf, readBer, TAG } from './ber.ts';
import { decodePem } from './pem.ts';

export interface SignerCertificate {
  readonly x509: X509Certificate;
  /** DER of the issuer's name. */
  readonly issuer: Buffer;
  readonly serialNumber: Buffer;
  /** Algorithm of the issuer's signature on this certificate. */
  readonly signatureAlgorithm: string;
  /** The first byte of its key usage, bit 0 first; null: it does not say. */
  readonly keyUsage: number | null;
  /** Extensions that nobody may overlook and that are not known here. */
  readonly unknownCritical: readonly string[];
}

const KEY_USAGE = '2.5.29.15';
/** Extensions that are read here or by OpenSSL, or that do not restrict what a signer may sign. */
const KNOWN_EXTENSIONS: ReadonlySet<string> = new Set([
  KEY_USAGE,
  '2.5.29.14', // subject key identifier
  '2.5.29.17', // alternative names
  '2.5.29.19', // basic constraints
  '2.5.29.32', // policies
  '2.5.29.35', // authority key identifier
  '2.5.29.37', // extended key usage
]);

/** @throws BerError or an error of OpenSSL when it is no certificate */
export function readSignerCertificate(der: Uint8Array): SignerCertificate {
  const whole = readBer(der);
  if (whole.bytes.length !== der.length) throw new BerError('bytes follow after the end of a certificate');
  const [tbs, algorithm] = expectTag(whole, TAG.sequence, 'a certificate').children;
  const fields = [...expectTag(tbs, TAG.sequence, 'a certificate').children];
  const extensions = fields.find(({ tag }) => tag === TAG.context3);
  // The version, which may be left out.
  if (fields[0]?.tag === TAG.context0) fields.shift();
  const [serialNumber, , issuer] = fields;
  const known = (extensions?.children[0]?.children ?? []).map(readExtension);
  return {
    x509: new X509Certificate(der),
    issuer: expectTag(issuer, TAG.sequence, 'the issuer').bytes,
    serialNumber: expectTag(serialNumber, TAG.integer, 'the serial number').content,
    signatureAlgorithm: objectIdentifierOf(algorithm?.children[0], 'the signature algorithm'),
    keyUsage: keyUsageOf(known),
    unknownCritical: known.filter(({ id, isCritical }) => isCritical && !KNOWN_EXTENSIONS.has(id)).map(({ id }) => id),
  };
}

interface Extension {
  readonly id: string;
  readonly isCritical: boolean;
  readonly value: Buffer;
}

function readExtension({ children }: BerValue): Extension {
  const value = children.at(-1);
  if (value === undefined) throw new BerError('an extension is empty');
  const [, critical] = children;
  return {
    id: objectIdentifierOf(children[0], 'an extension'),
    isCritical: critical?.tag === TAG.boolean && critical.content[0] !== 0,
    value: octetsOf(value, 'an extension'),
  };
}

function keyUsageOf(extensions: readonly Extension[]): number | null {
  const found = extensions.filter(({ id }) => id === KEY_USAGE);
  // Of two that differ nobody could say which one counts.
  if (found.length > 1) throw new BerError('a certificate has two key usages');
  const [usage] = found;
  if (usage === undefined) return null;
  // The first byte of a bit string counts the bits that its last one does not use.
  return expectTag(readBer(usage.value), TAG.bitString, 'a key usage').content[1] ?? 0;
}

/** All certificates of a PEM text; null when there is none, or one that cannot be read. */
export function readSignerCertificates(pem: string): readonly SignerCertificate[] | null {
  const blocks = decodePem('CERTIFICATE', pem) ?? [];
  try {
    const certificates = blocks.map(readSignerCertificate);
    return certificates.length === 0 ? null : certificates;
  } catch {
    return null;
  }
}

/** Whether a certificate's key usage lets it sign data: bit 0 (RFC 5280, 4.2.1.3). Without the extension it may. */
export function maySign({ keyUsage }: SignerCertificate): boolean {
  return keyUsage === null || (keyUsage & 0x80) !== 0;
}

/** The common name in a distinguished name as Node writes it, a line for each part, for messages. */
export function commonNameOf(name: string): string {
  const parts = name.split('\n');
  const found = parts.find((part) => part.startsWith('CN=')) ?? parts[0] ?? '';
  return found.slice(found.indexOf('=') + 1);
}
