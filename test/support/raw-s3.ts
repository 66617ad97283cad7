/** Requests to an S3 store as bytes on a socket, signed by the rules and then changed as a test wants it. */
import { createHash } from 'node:crypto';
import { request as httpRequest } from 'node:http';
import { request as httpsRequest } from 'node:https';
import type { Readable } from 'node:stream';
import { SignatureV4 } from '@smithy/signature-v4';
import { requestFor } from '../../src/protocol/sigv4/request.ts';
import { Sha256 } from '../../src/protocol/sigv4/sha256.ts';

export interface RawRequest {
  readonly method: string;
  /** Path and query as they go on the wire. */
  readonly target: string;
  /** Signed with the request. */
  readonly headers?: Readonly<Record<string, string>>;
  /** Sent, but not signed; a name that is signed already comes a second time. */
  readonly unsigned?: readonly (readonly [string, string])[];
  readonly body?: string | Buffer;
  /** In place of `body`, with its length: what comes when a test writes it. */
  readonly stream?: Readable;
  readonly contentLength?: number;
  /** Words of the signature about the body; else its hash. */
  readonly contentSha256?: string;
  /** Authorities that are trusted, PEM, for https. */
  readonly ca?: string;
}

export interface RawAnswer {
  readonly status: number;
  readonly headers: Readonly<Record<string, string | string[] | undefined>>;
  readonly text: string;
  /** The code of an error in XML; null: none. */
  readonly code: string | null;
}

export type SendRaw = (request: RawRequest) => Promise<RawAnswer>;

export function rawS3(url: string, credentials: { accessKeyId: string; secretAccessKey: string }): SendRaw {
  const signer = new SignatureV4({
    service: 's3',
    region: 'us-east-1',
    credentials,
    sha256: Sha256,
    uriEscapePath: false,
    applyChecksum: false,
  });
  return async ({
    method,
    target,
    headers = {},
    unsigned = [],
    body = '',
    stream,
    contentLength,
    contentSha256,
    ca,
  }) => {
    const signed = await signer.sign(
      requestFor({
        method,
        target,
        headers: {
          host: new URL(url).host,
          'x-amz-content-sha256': contentSha256 ?? createHash('sha256').update(body).digest('hex'),
          ...headers,
        },
      }),
    );
    const send = url.startsWith('https:') ? httpsRequest : httpRequest;
    const { hostname, port } = new URL(url);
    const length = contentLength ?? Buffer.byteLength(body);
    const lines = [...Object.entries(signed.headers), ['content-length', String(length)] as const, ...unsigned];
    return new Promise((resolve, reject) => {
      const options = {
        host: hostname,
        port,
        method,
        path: target,
        agent: false as const,
        ...(ca === undefined ? {} : { ca }),
      };
      const call = send({ ...options, headers: lines.flat() as unknown as Record<string, string> }, (answer) => {
        let text = '';
        answer.setEncoding('utf8').on('data', (piece: string) => {
          text += piece;
        });
        answer.on('end', () =>
          resolve({
            status: answer.statusCode ?? 0,
            headers: answer.headers,
            text,
            code: /<Code>([^<]*)<\/Code>/.exec(text)?.[1] ?? null,
          }),
        );
        answer.on('error', reject);
      });
      call.on('error', reject);
      if (stream === undefined) call.end(body);
      else stream.pipe(call);
    });
  };
}
