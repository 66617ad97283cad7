/** Presigned addresses of an S3 store, made by the SDK's signer. */
import { SignatureV4 } from '@smithy/signature-v4';
import { requestFor } from '../../src/protocol/sigv4/request.ts';
import { Sha256 } from '../../src/protocol/sigv4/sha256.ts';

export interface Presigning {
  readonly method?: string;
  /** Path and query as they go on the wire. */
  readonly target: string;
  /** Signed, and to be sent with the request; those that begin with `x-amz-` become a part of the query. */
  readonly headers?: Readonly<Record<string, string>>;
  /** Seconds. */
  readonly expiresIn?: number;
  readonly signedAtMs?: number;
  readonly service?: string;
}

/** @returns an address that can be fetched */
export async function presign(
  url: string,
  credentials: { accessKeyId: string; secretAccessKey: string },
  { method = 'GET', target, headers = {}, expiresIn = 60, signedAtMs = Date.now(), service = 's3' }: Presigning,
): Promise<string> {
  const signer = new SignatureV4({
    ...{ service, region: 'us-east-1', credentials, sha256: Sha256 },
    ...{ uriEscapePath: false, applyChecksum: false },
  });
  const request = requestFor({
    ...{ method, target },
    headers: { host: new URL(url).host, 'x-amz-content-sha256': 'UNSIGNED-PAYLOAD', ...headers },
  });
  const { path, query } = await signer.presign(request, { expiresIn, signingDate: new Date(signedAtMs) });
  const pairs = Object.entries(query ?? {}).flatMap(([name, value]) =>
    [value].flat().map((one) => `${encodeURIComponent(name)}=${encodeURIComponent(one ?? '')}`),
  );
  return `${url}${path}?${pairs.join('&')}`;
}
