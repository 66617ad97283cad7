import { CodeDeployClient, ListApplicationsCommand } from '@aws-sdk/client-codedeploy';
import { GetObjectCommand, ListObjectsV2Command, PutObjectCommand, S3Client } from '@aws-sdk/client-s3';
import { execa } from 'execa';
import { describe, expect, test } from 'vitest';
import { sha256Hex } from '../../../src/protocol/sigv4/sha256.ts';
import { type VerifiedSignature, verifySignature } from '../../../src/protocol/sigv4/verify.ts';
import { type Answer, answeringServer, type ReceivedRequest } from '../../support/http-server.ts';
import { describeIf } from '../../support/needs.ts';

const credentials = { accessKeyId: 'AKIASLIPWAYTEST', secretAccessKey: 'wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY' };

/** A server that verifies each request as the control server does, or as its S3 door does, and answers only what is in order. */
async function verifyingServer(kind: 'json' | 's3', answer: Answer) {
  const verified: VerifiedSignature[] = [];
  const server = await answeringServer(async (request) => {
    verified.push(await verifyAs(kind, request));
    return answer;
  });
  return { ...server, verified };
}

function verifyAs(kind: 'json' | 's3', request: ReceivedRequest): Promise<VerifiedSignature> {
  const { method, path, headers, body } = request;
  const claimed = headers['x-amz-content-sha256'] ?? '';
  const isWord = kind === 's3' && /^(UNSIGNED-PAYLOAD$|STREAMING-)/.test(claimed);
  return verifySignature(
    { method, path, headers, bodySha256: isWord ? claimed : sha256Hex(body) },
    {
      services: kind === 's3' ? ['s3'] : ['codedeploy'],
      nowMs: Date.now(),
      secretOf: async (id) => (id === credentials.accessKeyId ? credentials.secretAccessKey : null),
      ...(kind === 's3'
        ? { uriEscapePath: false, requiredHeaders: ['host', 'x-amz-date', 'x-amz-content-sha256'] }
        : {}),
    },
  );
}

describe('the AWS SDK', () => {
  test('calls a management operation that verifies, with temporary credentials, too', async () => {
    const answer = { headers: { 'content-type': 'application/x-amz-json-1.1' }, body: '{"applications":["Hello"]}' };
    for (const extra of [{}, { sessionToken: 'a/session+token==' }]) {
      await using server = await verifyingServer('json', answer);
      const client = new CodeDeployClient({
        endpoint: server.url,
        region: 'eu-central-1',
        credentials: { ...credentials, ...extra },
        maxAttempts: 1,
      });
      const { applications } = await client.send(new ListApplicationsCommand({}));
      client.destroy();
      expect(applications).toEqual(['Hello']);
      expect(server.verified).toMatchObject([
        { service: 'codedeploy', region: 'eu-central-1', sessionToken: extra.sessionToken ?? null },
      ]);
    }
  });

  test.each([
    'site.zip',
    'folder/with blank and +plus.tar',
    "a(b)!'*~_-.tgz",
    'äöü/日本/😀.zip',
    'double//slash/./and/../dots',
    '100%25 sure?#fragment=&.zip',
  ])('puts and gets the S3 object %j with signatures that verify', async (Key) => {
    await using server = await verifyingServer('s3', { headers: { etag: '"abc"' }, body: '' });
    const client = new S3Client({
      endpoint: server.url,
      region: 'us-east-1',
      forcePathStyle: true,
      credentials,
      maxAttempts: 1,
    });
    await client.send(new PutObjectCommand({ Bucket: 'revisions', Key, Body: 'the bundle' }));
    const { Body } = await client.send(
      new GetObjectCommand({ Bucket: 'revisions', Key, VersionId: 'a/b+c=', Range: 'bytes=0-3' }),
    );
    await Body?.transformToString();
    await client
      .send(new ListObjectsV2Command({ Bucket: 'revisions', Prefix: Key, Delimiter: '/' }))
      .catch((error: Error) => {
        // An empty answer is no list; the request is what counts here.
        expect(error.name).not.toMatch(/Signature|ECONNRESET/);
      });
    client.destroy();
    expect(server.verified).toHaveLength(3);
  });
});

const hasCurl = (await execa('curl', ['--aws-sigv4', 'aws:amz', '--version'], { reject: false })).exitCode === 0;

describeIf(hasCurl, 'a curl that knows --aws-sigv4')('curl', () => {
  test('signs requests that verify', async () => {
    await using server = await verifyingServer('json', { body: '{"fine":true}' });
    const { stdout } = await execa('curl', [
      ...[
        '--silent',
        '--show-error',
        '--max-time',
        '20',
        '--noproxy',
        '*',
        '--aws-sigv4',
        'aws:amz:us-west-2:codedeploy',
      ],
      ...['--user', `${credentials.accessKeyId}:${credentials.secretAccessKey}`],
      ...['--header', 'Content-Type: application/x-amz-json-1.1', '--data', '{"applicationName":"Grüße"}'],
      `${server.url}/`,
    ]);
    expect(stdout).toBe('{"fine":true}');
    expect(server.verified).toMatchObject([{ region: 'us-west-2' }]);
  });
});
