/**
 * Cache of values derived from secrets, which each request needs. A fleet's requests come in turn, so each of its keys has a place. Nothing
 * here says whether a key may be used: that is read from the database each time.
 */
import { type SigningKeyOf, signingKeyOf } from '../../protocol/sigv4/signing-key.ts';
import { remembered } from '../../system/remembered.ts';
import type { Sealer } from './sealing.ts';

/** Keys that are remembered; each takes about 400 bytes. */
const KEYS = 32_768;
/** Scopes of real services and regions are half as long; characters. */
const LONGEST_SCOPE = 100;

/** A sealer that opens the same seal once. */
export function rememberingSealer(sealer: Sealer): Sealer {
  return { seal: sealer.seal, open: remembered(KEYS, sealer.open) };
}

/** Signing keys of the days, regions and services that clients use now. */
export function rememberedSigningKeys(): SigningKeyOf {
  const derive = remembered(KEYS, (text) => {
    const [day = '', region = '', service = '', ...secret] = text.split('/');
    return signingKeyOf(secret.join('/'), { day, region, service });
  });
  return (secretAccessKey, scope) => {
    // A stranger chooses the scope, so a long one takes no memory. Its parts have no slash in them.
    const text = `${scope.day}/${scope.region}/${scope.service}`;
    return text.length > LONGEST_SCOPE ? signingKeyOf(secretAccessKey, scope) : derive(`${text}/${secretAccessKey}`);
  };
}
