/** A control server inside the test's own process, and clients of its revision store. */
import { S3Client } from '@aws-sdk/client-s3';
import { rawS3, type SendRaw } from './raw-s3.ts';
import { type ScratchFolder, scratchFolder } from './scratch.ts';
import { type TestServer, testServer } from './test-server.ts';

export interface S3Ground extends AsyncDisposable {
  readonly scratch: ScratchFolder;
  readonly server: TestServer;
  /** The SDK, with an operator's key. */
  readonly operator: S3Client;
  /** Requests as bytes, with the same key. */
  readonly send: SendRaw;
}

export async function s3Ground(): Promise<S3Ground> {
  const scratch = scratchFolder();
  const server = await testServer(scratch.at('data'));
  const key = await server.key('operator');
  const operator = s3Client(server.url, key);
  return {
    ...{ scratch, server, operator, send: rawS3(server.url, key) },
    async [Symbol.asyncDispose]() {
      operator.destroy();
      await server[Symbol.asyncDispose]();
      scratch[Symbol.dispose]();
    },
  };
}

export function s3Client(endpoint: string, credentials: { accessKeyId: string; secretAccessKey: string }): S3Client {
  return new S3Client({ endpoint, credentials, region: 'us-east-1', forcePathStyle: true, maxAttempts: 1 });
}
