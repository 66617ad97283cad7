import { createHmac } from 'node:crypto';

/** Date, region and service that a signing key is good for; the secret comes on top. */
export interface KeyScope {
  /** `YYYYMMDD`, of UTC. */
  readonly day: string;
  readonly region: string;
  readonly service: string;
}

/** Derives the key that requests of one day, region and service are signed with. It takes four HMACs, which a server may want to remember. */
export type SigningKeyOf = (secretAccessKey: string, scope: KeyScope) => Buffer;

export const signingKeyOf: SigningKeyOf = (secretAccessKey, { day, region, service }) => {
  const hmac = (key: string | Buffer, text: string) => createHmac('sha256', key).update(text).digest();
  return hmac(hmac(hmac(hmac(`AWS4${secretAccessKey}`, day), region), service), 'aws4_request');
};
