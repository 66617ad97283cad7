/** Public keys and signatures of minisign. Pure. @see https://jedisct1.github.io/minisign/ for the format */
import { createPublicKey, verify } from 'node:crypto';
import { decodeBase64, Malformed } from './ssh-wire.ts';

export interface MinisignSignature {
  readonly format: 'minisign';
  readonly digest: 'blake2b512';
  /** The key that it says it is of, as minisign prints it. */
  readonly keyId: string;
  /** Signed, too: what the signer wanted to say with it. */
  readonly trustedComment: string;
  readonly signature: Buffer;
  readonly commentSignature: Buffer;
}

export interface MinisignKey {
  readonly keyId: string;
  readonly publicKey: Buffer;
}

const UNTRUSTED = 'untrusted comment:';
const TRUSTED = 'trusted comment: ';
const ID_BYTES = 8;
const KEY_BYTES = 32;
const SIGNATURE_BYTES = 64;

/** @throws Malformed saying what is wrong with it */
export function parseMinisignSignature(text: string): MinisignSignature {
  const [first = '', second = '', third = '', fourth, ...rest] = text.split(/\r?\n/);
  if (!first.startsWith(UNTRUSTED)) throw new Malformed('it does not begin as a minisign signature does');
  if (fourth === undefined || !third.startsWith(TRUSTED)) throw new Malformed('it ends before its trusted comment');
  if (rest.some((line) => line !== '')) throw new Malformed('more than one signature is in it');
  const bytes = decodeBase64(second);
  if (bytes.length !== 2 + ID_BYTES + SIGNATURE_BYTES) throw new Malformed('its second line is too short or too long');
  const algorithm = bytes.toString('latin1', 0, 2);
  if (algorithm === 'Ed') {
    throw new Malformed(
      'it is of minisign’s old kind, over the whole file and not over its hash; sign with minisign -H',
    );
  }
  if (algorithm !== 'ED') throw new Malformed('its algorithm is not known');
  const commentSignature = decodeBase64(fourth);
  if (commentSignature.length !== SIGNATURE_BYTES) throw new Malformed('its last line is too short or too long');
  return {
    format: 'minisign',
    digest: 'blake2b512',
    keyId: keyIdOf(bytes.subarray(2, 2 + ID_BYTES)),
    trustedComment: third.slice(TRUSTED.length),
    signature: bytes.subarray(2 + ID_BYTES),
    commentSignature,
  };
}

/** @param text the second line of a `minisign.pub`. @throws Malformed */
export function parseMinisignKey(text: string): MinisignKey {
  const bytes = decodeBase64(text);
  if (bytes.length !== 2 + ID_BYTES + KEY_BYTES || bytes.toString('latin1', 0, 2) !== 'Ed') {
    throw new Malformed('it is no public key of minisign');
  }
  return { keyId: keyIdOf(bytes.subarray(2, 2 + ID_BYTES)), publicKey: bytes.subarray(2 + ID_BYTES) };
}

/** Whether the key has signed content with this digest, and the comment with it. */
export function isMinisignedBy(
  { publicKey }: MinisignKey,
  { signature, commentSignature, trustedComment }: MinisignSignature,
  digest: Buffer,
): boolean {
  const key = createPublicKey({
    key: { kty: 'OKP', crv: 'Ed25519', x: publicKey.toString('base64url') },
    format: 'jwk',
  });
  const comment = Buffer.concat([signature, Buffer.from(trustedComment)]);
  return verify(null, digest, key, signature) && verify(null, comment, key, commentSignature);
}

/** A number in little endian, written as minisign does: without leading zeros. */
function keyIdOf(bytes: Buffer): string {
  return bytes.readBigUInt64LE().toString(16).toUpperCase();
}
