import { SignatureV4 } from '@smithy/signature-v4';
import type { Credentials } from './credentials.ts';
import { requestFor } from './request.ts';
import { Sha256 } from './sha256.ts';

export interface RequestToSign {
  readonly method: string;
  readonly url: URL;
  /** Everything that is to be signed and sent; `host` is added. */
  readonly headers: Readonly<Record<string, string>>;
  /** The exact text that is sent. */
  readonly body: string;
}

/** The service and region of a signature's credential scope. */
export interface SigningScope {
  readonly service: string;
  readonly region: string;
}

/** Signs a request with AWS Signature Version 4 and returns all headers to send with it. */
export async function signRequest(
  request: RequestToSign,
  credentials: Credentials,
  scope: SigningScope,
  nowMs: number,
): Promise<Record<string, string>> {
  const signer = new SignatureV4({ ...scope, credentials, sha256: Sha256 });
  const { url } = request;
  const signed = await signer.sign(
    requestFor({
      method: request.method,
      target: `${url.pathname}${url.search}`,
      headers: { ...request.headers, host: url.host },
      body: request.body,
    }),
    { signingDate: new Date(nowMs) },
  );
  return signed.headers;
}
