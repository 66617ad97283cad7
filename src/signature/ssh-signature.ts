/** Reads signatures that `ssh-keygen -Y sign` makes. Pure. @see OpenSSH, `PROTOCOL.sshsig` */
import { isCertificateType, parseSshCertificate, type SshCertificate } from './ssh-certificate.ts';
import { fingerprintOf } from './ssh-key.ts';
import { decodeBase64, Malformed, quoted, wireReader, wireString } from './ssh-wire.ts';

export interface SshSignature {
  readonly format: 'ssh';
  /** Hash function: the signature covers the message's digest. */
  readonly digest: 'sha256' | 'sha512';
  /** The fingerprint of the key that would have to be trusted: the one that it says it is of, or the authority's behind that. */
  readonly keyId: string;
  /** null: it is signed with a plain key. */
  readonly certificate: SshCertificate | null;
  /** Purpose that the signature was made for. */
  readonly namespace: string;
  readonly signature: Buffer;
  /** The bytes under the signature, for a message with this digest. */
  signedBytes(digest: Buffer): Buffer;
}

const MAGIC = 'SSHSIG';
const ARMOR = /^-----BEGIN SSH SIGNATURE-----\r?\n([A-Za-z0-9+/=\r\n]+)-----END SSH SIGNATURE-----(?:\r?\n)*$/;

/** @throws Malformed saying what is wrong with it */
export function parseSshSignature(text: string): SshSignature {
  const [, body] = ARMOR.exec(text) ?? [];
  if (body === undefined) {
    const isCut = text.startsWith('-----BEGIN SSH SIGNATURE-----');
    throw new Malformed(isCut ? 'it ends too early, or is no base64' : 'it does not begin as an SSH signature does');
  }
  const reader = wireReader(decodeBase64(body.replaceAll(/[\r\n]/g, '')));
  if (reader.bytes(MAGIC.length).toString('latin1') !== MAGIC) throw new Malformed('it is no SSH signature');
  const version = reader.uint32();
  if (version !== 1) throw new Malformed(`version ${version} of SSH signatures is not known`);
  const keyBlob = reader.string();
  const certificate = isCertificateType(wireReader(keyBlob).text()) ? parseSshCertificate(keyBlob) : null;
  const namespace = reader.text();
  const reserved = reader.string();
  const digest = reader.text();
  if (digest !== 'sha256' && digest !== 'sha512') throw new Malformed(`the hash ${quoted(digest)} is not known`);
  const signature = reader.string();
  reader.end();
  return {
    format: 'ssh',
    digest,
    keyId: certificate?.authorityId ?? fingerprintOf(keyBlob),
    certificate,
    namespace,
    signature,
    signedBytes: (bytes) =>
      Buffer.concat([Buffer.from(MAGIC), ...[namespace, reserved, digest, bytes].map(wireString)]),
  };
}
