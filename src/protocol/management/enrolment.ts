/** A host's enrolment by a token: the form of a token, and input and output of the one call that is made with it. Pure. */

export const ENROL_OPERATION = 'EnrolHost';

export interface EnrolmentToken {
  readonly tokenId: string;
  readonly secret: string;
  /** SHA-256 of the certificate of the authority that the server's own is signed by, in hex; null: hosts trust that one anyway. */
  readonly authoritySha256: string | null;
}

export interface EnrolHostInput {
  readonly instanceName: string;
  /** Whether a registered host of the name is taken over. The token must allow it. */
  readonly takeOver?: boolean;
}

export interface EnrolHostOutput {
  readonly hostArn: string;
  readonly accessKeyId: string;
  readonly secretAccessKey: string;
  readonly region: string;
  /** null: the S3 API answers at the address of this one. */
  readonly s3Endpoint: string | null;
  readonly signerCaCertificatePem: string;
  readonly tags: readonly { readonly Key: string; readonly Value: string }[];
}

const PREFIX = 'slipway';

/** `slipway.ID.SECRET`, and `.SHA256` of the authority where hosts have to be told of it. */
export function formatToken({ tokenId, secret, authoritySha256 }: EnrolmentToken): string {
  return [PREFIX, tokenId, secret, ...(authoritySha256 === null ? [] : [authoritySha256])].join('.');
}

/** @returns null: the text is no token */
export function parseToken(text: string): EnrolmentToken | null {
  const match = /^slipway\.([A-Z0-9]{16})\.([A-Za-z0-9]{40})(?:\.([0-9a-f]{64}))?$/.exec(text.trim());
  if (match === null) return null;
  const [, tokenId = '', secret = '', authoritySha256 = null] = match;
  return { tokenId, secret, authoritySha256 };
}

/** Returns the part of a token that goes over the wire, behind `Bearer`. */
export function bearerOf({ tokenId, secret }: EnrolmentToken): string {
  return `${tokenId}.${secret}`;
}

/** @returns null: it is not the bearer of a token */
export function parseBearer(authorization: string | undefined): Pick<EnrolmentToken, 'tokenId' | 'secret'> | null {
  const match = /^Bearer ([A-Z0-9]{16})\.([A-Za-z0-9]{40})$/.exec(authorization ?? '');
  return match === null ? null : { tokenId: match[1] ?? '', secret: match[2] ?? '' };
}
