/** Certificates of SSH: a key, and an authority's word on whose it is. Pure. @see OpenSSH, `PROTOCOL.certkeys` */
import { fingerprintOf, type KeyMaterial, readKeyMaterial } from './ssh-key.ts';
import { Malformed, wireReader } from './ssh-wire.ts';

export interface SshCertificate {
  /** Key that has signed, as opposed to the authority that vouches for it. */
  readonly material: KeyMaterial;
  /** Name that the authority gives the certificate. */
  readonly name: string;
  readonly principals: readonly string[];
  readonly validAfterMs: number;
  readonly validBeforeMs: number;
  /** The fingerprint of the authority's key. */
  readonly authorityId: string;
  /** Bytes that the authority has signed. */
  readonly signed: Buffer;
  readonly signature: Buffer;
}

const TYPE = /^(.+)-cert-v01@openssh\.com$/;
const USER = 1;

export function isCertificateType(type: string): boolean {
  return TYPE.test(type);
}

/** @throws Malformed also for a certificate that is of a host, or that is restricted in a way which is not understood */
export function parseSshCertificate(blob: Buffer): SshCertificate {
  const reader = wireReader(blob);
  const [, base = ''] = TYPE.exec(reader.text()) ?? [];
  reader.string(); // a nonce
  const material = readKeyMaterial(base.startsWith('sk-') ? `${base}@openssh.com` : base, reader);
  reader.uint64(); // its serial number
  const kind = reader.uint32();
  const name = reader.text();
  const principals = readAll(reader.string());
  const [validAfterMs, validBeforeMs] = [timeMs(reader.uint64()), timeMs(reader.uint64())];
  const criticalOptions = reader.string();
  reader.string(); // extensions, which only allow things
  reader.string(); // reserved
  const authorityKey = reader.string();
  const signature = reader.string();
  reader.end();
  if (kind !== USER) throw new Malformed('its certificate is not that of a user');
  if (criticalOptions.length > 0)
    throw new Malformed('its certificate is restricted by options that are not supported');
  const signed = blob.subarray(0, blob.length - signature.length - 4);
  const authorityId = fingerprintOf(authorityKey);
  return { material, name, principals, validAfterMs, validBeforeMs, authorityId, signed, signature };
}

function readAll(bytes: Buffer): string[] {
  const reader = wireReader(bytes);
  const texts: string[] = [];
  while (!reader.isAtEnd()) texts.push(reader.text());
  return texts;
}

/** Seconds, of which the largest stands for ever. */
function timeMs(seconds: bigint): number {
  return seconds > BigInt(Number.MAX_SAFE_INTEGER) / 1000n ? Number.POSITIVE_INFINITY : Number(seconds) * 1000;
}
