import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { queryApi, readAnswer, sendForm } from '../../support/query-api.ts';
import { openRaw } from '../../support/raw-connection.ts';
import { rawS3 } from '../../support/raw-s3.ts';
import { scratchFolder } from '../../support/scratch.ts';
import { type TestServer, testServer } from '../../support/test-server.ts';

const scratch = scratchFolder();
let server: TestServer;
let admin: { accessKeyId: string; secretAccessKey: string };
beforeAll(async () => {
  server = await testServer(scratch.path);
  admin = await server.key('admin');
});
afterAll(async () => {
  await server[Symbol.asyncDispose]();
  scratch[Symbol.dispose]();
});

const GET_USER = 'Action=GetUser&Version=2010-05-08';

test('every answer has the request id, in its head and in its body', async () => {
  const answers = [
    await queryApi(server.url, 'sts', admin)('GetCallerIdentity'),
    await queryApi(server.url, 'iam', admin)('Nothing'),
  ];
  for (const { requestId } of answers) expect(requestId).toMatch(/^[0-9a-f-]{36}$/);
  const raw = await fetch(server.url, { method: 'POST', body: new URLSearchParams(GET_USER) });
  expect(readAnswer(raw.status, await raw.text()).requestId).toBe(raw.headers.get('x-amzn-requestid'));
});

describe('a call of the Query protocol', () => {
  test.each<[string, 'iam' | 'sts', string, string]>([
    ['without an operation', 'iam', 'Version=2010-05-08', 'MissingAction'],
    ['without a body', 'iam', '', 'MissingAction'],
    ['of an operation that is not there', 'iam', 'Action=CreateRole&Version=2010-05-08', 'InvalidAction'],
    ['of an operation with a name of every object', 'iam', 'Action=constructor&Version=2010-05-08', 'InvalidAction'],
    ['of the other API’s operation', 'iam', 'Action=GetCallerIdentity&Version=2010-05-08', 'InvalidAction'],
    ['of IAM’s operation, signed for STS', 'sts', 'Action=CreateUser&Version=2011-06-15', 'InvalidAction'],
    ['without a version', 'iam', 'Action=GetUser', 'InvalidAction'],
    ['with another version', 'sts', 'Action=GetCallerIdentity&Version=2010-05-08', 'InvalidAction'],
    ['with a parameter twice', 'iam', `${GET_USER}&UserName=a&UserName=b`, 'MalformedQueryString'],
    ['with a parameter twice, escaped once', 'iam', `${GET_USER}&UserName=a&User%4eame=b`, 'MalformedQueryString'],
    ['with an operation twice', 'iam', `${GET_USER}&Action=DeleteUser`, 'MalformedQueryString'],
    ['with a parameter that it does not have', 'iam', `${GET_USER}&Force=true`, 'ValidationError'],
    ['with a percent sign that escapes nothing', 'iam', `${GET_USER}&UserName=%zz`, 'MalformedQueryString'],
    ['with a NUL', 'iam', `${GET_USER}&UserName=a%00`, 'MalformedQueryString'],
    ['with half a pair', 'iam', `${GET_USER}&UserName`, 'MalformedQueryString'],
    [
      'with a thousand parameters',
      'iam',
      Array.from({ length: 1000 }, (_, n) => `p${n}=`).join('&'),
      'MalformedQueryString',
    ],
  ])('%s is refused in XML', async (_, service, body, code) => {
    expect(await sendForm(server.url, service, admin, body)).toMatchObject({ status: 400, code });
  });

  test('a call of the Query protocol that is larger than any is refused before its body is read', async () => {
    const answer = await sendForm(server.url, 'iam', admin, `${GET_USER}&UserName=${'a'.repeat(70_000)}`);
    expect(answer).toMatchObject({ status: 413, code: 'MalformedQueryString' });
  });

  test('in JSON is refused', async () => {
    const json = { 'content-type': 'application/json' };
    expect(await sendForm(server.url, 'sts', admin, '{}', json)).toMatchObject({ status: 400, code: 'InvalidAction' });
  });

  test('a call of the Query protocol with a target of the JSON APIs is refused by them', async () => {
    const target = { 'x-amz-target': 'CodeDeploy_20141006.ListApplications' };
    const answer = fetch(server.url, { method: 'POST', headers: target, body: new URLSearchParams(GET_USER) });
    expect((await answer).headers.get('x-amzn-errortype')).toBe('MissingAuthenticationTokenException');
  });

  test.each(['iam', 'sts'])(
    'at another address than / and signed for %s is refused, and is none of S3',
    async (service) => {
      const credential = `Credential=${admin.accessKeyId}/20260101/us-east-1/${service}/aws4_request`;
      for (const [method, target] of [
        ['GET', `/?Action=GetCallerIdentity&Version=2011-06-15`],
        ['GET', '/'],
        ['PUT', '/revisions/a.zip'],
        ['POST', '/?Action=GetUser'],
      ] as const) {
        const head = `${method} ${target} HTTP/1.1\r\nhost: x\r\nauthorization: AWS4-HMAC-SHA256 ${credential}\r\n`;
        using client = openRaw(server.url, `${head}connection: close\r\ncontent-length: 0\r\n\r\n`);
        await client.closed;
        expect(client.received()).toMatch(/^HTTP\/1.1 400 .*<Code>InvalidAction</s);
      }
      const send = rawS3(server.s3Url, admin);
      expect((await send({ method: 'HEAD', target: '/revisions/a.zip' })).status).toBe(404);
    },
  );

  test.each<[string, Record<string, string>, number, string]>([
    ['without a signature', {}, 403, 'MissingAuthenticationToken'],
    [
      'with a signature that is none',
      { authorization: 'AWS4-HMAC-SHA256 x/iam/aws4_request' },
      400,
      'IncompleteSignature',
    ],
  ])('%s is refused in XML', async (_, headers, status, code) => {
    const answer = await fetch(server.url, { method: 'POST', headers, body: new URLSearchParams(GET_USER) });
    expect(readAnswer(answer.status, await answer.text())).toMatchObject({ status, code });
  });

  test('a call of the Query protocol with two headers that say who asks is refused', async () => {
    const credential = `AWS4-HMAC-SHA256 Credential=${admin.accessKeyId}/20260101/us-east-1/iam/aws4_request`;
    const lines = ['POST / HTTP/1.1', 'host: x', `authorization: ${credential}`, `authorization: ${credential}`];
    using client = openRaw(server.url, [...lines, 'content-length: 9', '', ''].join('\r\n'));
    await client.closed;
    expect(client.received()).toMatch(/^HTTP\/1.1 400 .*<Code>IncompleteSignature</s);
  });
});
