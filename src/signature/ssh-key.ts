/** Public keys of SSH, and what they have signed. Pure. */
import { createHash, createPublicKey, type JsonWebKey, type KeyObject, verify } from 'node:crypto';
import { withoutTrailing } from '../system/trailing.ts';
import { Malformed, quoted, type WireReader, wireReader } from './ssh-wire.ts';

/** A public key that signatures can be held against. */
export interface SshKey {
  /** `ssh-ed25519`, `ssh-rsa`, … */
  readonly type: string;
  /** As the wire has it; equal keys have equal blobs. */
  readonly blob: Buffer;
  /** `SHA256:…`, as `ssh-keygen -l` prints it. */
  readonly fingerprint: string;
  /**
   * @param signature the blob that goes with this key
   * @throws Malformed when it is none
   */
  hasSigned(signed: Buffer, signature: Buffer): boolean;
}

/** A public key, and the properties in which types of keys differ. */
export interface KeyMaterial {
  readonly publicKey: KeyObject;
  /** Names of signatures → the hash under them; null: the scheme has its own. */
  readonly algorithms: Readonly<Record<string, string | null>>;
  /** Length of each of the two numbers of an ECDSA signature; null: it is no ECDSA key. */
  readonly ecdsaBytes: number | null;
  /** Application that a hardware key was made for, which is part of all that the key signs; null: no hardware key. */
  readonly hardwareApplication: Buffer | null;
}

const CURVES: Readonly<Record<string, { readonly crv: string; readonly bytes: number; readonly hash: string }>> = {
  nistp256: { crv: 'P-256', bytes: 32, hash: 'sha256' },
  nistp384: { crv: 'P-384', bytes: 48, hash: 'sha384' },
  nistp521: { crv: 'P-521', bytes: 66, hash: 'sha512' },
};
/** Shorter ones can be broken. */
const LEAST_RSA_BITS = 2048;
/** Flag for "the signer has touched the hardware key". */
const USER_PRESENT = 0x01;

/** @throws Malformed for what is no public key, or one of a type that nothing can be held against */
export function parseSshKey(blob: Buffer): SshKey {
  const reader = wireReader(blob);
  const type = reader.text();
  const material = readKeyMaterial(type, reader);
  reader.end();
  return {
    type,
    blob,
    fingerprint: fingerprintOf(blob),
    hasSigned: (signed, signature) => hasSigned(material, signed, signature),
  };
}

export function fingerprintOf(blob: Buffer): string {
  return `SHA256:${withoutTrailing(createHash('sha256').update(blob).digest('base64'), '=')}`;
}

/**
 * Reads what follows the type in a key, and what follows the nonce in a certificate.
 *
 * @see RFC 4253, 5656 and 8709 for the plain ones, OpenSSH's `PROTOCOL.u2f` for those of hardware
 */
export function readKeyMaterial(type: string, reader: WireReader): KeyMaterial {
  switch (type) {
    case 'ssh-ed25519':
      return edwards(type, reader.string(), null);
    case 'sk-ssh-ed25519@openssh.com':
      return edwards(type, reader.string(), reader.string());
    case 'ssh-rsa': {
      const [e, n] = [reader.mpint(), reader.mpint()];
      const publicKey = importKey({ kty: 'RSA', e: base64url(e), n: base64url(n) });
      const bits = publicKey.asymmetricKeyDetails?.modulusLength ?? 0;
      if (bits < LEAST_RSA_BITS) throw new Malformed(`an RSA key of ${bits} bits is too short to be trusted`);
      // The third name, ssh-rsa, stands for SHA-1.
      const algorithms = { 'rsa-sha2-256': 'sha256', 'rsa-sha2-512': 'sha512' };
      return { publicKey, algorithms, ecdsaBytes: null, hardwareApplication: null };
    }
    case 'ecdsa-sha2-nistp256':
    case 'ecdsa-sha2-nistp384':
    case 'ecdsa-sha2-nistp521':
      return ecdsa(type, reader.text(), reader.string(), null);
    case 'sk-ecdsa-sha2-nistp256@openssh.com':
      return ecdsa(type, reader.text(), reader.string(), reader.string());
    default:
      throw new Malformed(`keys of the type ${quoted(type)} are not supported`);
  }
}

function edwards(type: string, point: Buffer, hardwareApplication: Buffer | null): KeyMaterial {
  const publicKey = importKey({ kty: 'OKP', crv: 'Ed25519', x: base64url(point) });
  return { publicKey, algorithms: { [type]: null }, ecdsaBytes: null, hardwareApplication };
}

function ecdsa(type: string, curveName: string, point: Buffer, hardwareApplication: Buffer | null): KeyMaterial {
  const curve = type.includes(curveName) && Object.hasOwn(CURVES, curveName) ? CURVES[curveName] : undefined;
  if (curve === undefined) throw new Malformed('a key in it has a curve that is not the one of its type');
  const { crv, bytes, hash } = curve;
  if (point.length !== 1 + 2 * bytes || point[0] !== 4) throw new Malformed('a key in it is no point of its curve');
  const [x, y] = [point.subarray(1, 1 + bytes), point.subarray(1 + bytes)].map(base64url);
  const publicKey = importKey({ kty: 'EC', crv, x: x ?? '', y: y ?? '' });
  return { publicKey, algorithms: { [type]: hash }, ecdsaBytes: bytes, hardwareApplication };
}

function importKey(key: JsonWebKey): KeyObject {
  try {
    return createPublicKey({ key, format: 'jwk' });
  } catch (cause) {
    throw new Malformed('a key in it is none', { cause });
  }
}

/** @throws Malformed when the signature is none of this key’s type */
export function hasSigned(material: KeyMaterial, signed: Buffer, signature: Buffer): boolean {
  const reader = wireReader(signature);
  const algorithm = reader.text();
  if (!Object.hasOwn(material.algorithms, algorithm)) {
    throw new Malformed(`signatures of the kind ${quoted(algorithm)} are not accepted from its key`);
  }
  const value = reader.string();
  const message = material.hardwareApplication === null ? signed : hardwareMessage(material, signed, reader);
  reader.end();
  if (message === null) return false;
  const hash = material.algorithms[algorithm] ?? null;
  if (material.ecdsaBytes === null) return verify(hash, message, material.publicKey, value);
  const numbers = ecdsaNumbers(value, material.ecdsaBytes);
  return verify(hash, message, { key: material.publicKey, dsaEncoding: 'ieee-p1363' }, numbers);
}

/** Returns the message that a hardware key has really signed; null: nobody touched the key. */
function hardwareMessage(material: KeyMaterial, signed: Buffer, reader: WireReader): Buffer | null {
  const sha256 = (bytes: Buffer) => createHash('sha256').update(bytes).digest();
  const flagsAndCounter = reader.bytes(5);
  if (((flagsAndCounter[0] ?? 0) & USER_PRESENT) === 0) return null;
  return Buffer.concat([sha256(material.hardwareApplication ?? Buffer.alloc(0)), flagsAndCounter, sha256(signed)]);
}

function ecdsaNumbers(value: Buffer, bytes: number): Buffer {
  const reader = wireReader(value);
  const numbers = [reader.mpint(), reader.mpint()];
  reader.end();
  return Buffer.concat(
    numbers.map((number) => {
      if (number.length > bytes) throw new Malformed('a number in it is too large');
      return Buffer.concat([Buffer.alloc(bytes - number.length), number]);
    }),
  );
}

function base64url(bytes: Buffer): string {
  return bytes.toString('base64url');
}
