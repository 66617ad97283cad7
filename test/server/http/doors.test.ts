import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { signRequest } from '../../../src/protocol/sigv4/sign.ts';
import { eventually } from '../../support/eventually.ts';
import { managementClient } from '../../support/hand-driven-host.ts';
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

/** Head of a signed call of the API, with more lines that are not signed. */
async function signedHead(body: string, more: readonly string[] = [], key = admin, atMs = Date.now()): Promise<string> {
  const headers = {
    'x-amz-target': 'CodeDeploy_20141006.ListApplications',
    'content-type': 'application/x-amz-json-1.1',
  };
  const url = new URL(server.url);
  const scope = { service: 'codedeploy', region: 'us-east-1' };
  const signed = await signRequest({ method: 'POST', url, headers, body }, key, scope, atMs);
  const lines = Object.entries(signed).map(([name, value]) => `${name}: ${value}`);
  return ['POST / HTTP/1.1', ...lines, `content-length: ${body.length}`, ...more, '', ''].join('\r\n');
}

const answerTo = async (url: string, text: string): Promise<string> => {
  using client = openRaw(url, text);
  await client.closed;
  return client.received();
};

test('a signed call of the API is answered, and its connection is kept for the next one', async () => {
  using client = openRaw(server.url, `${await signedHead('{}')}{}`);
  await client.until('"applications"');
  client.socket.write(`${await signedHead('{} ')}{} `);
  await eventually(() => client.received().split(' 200 OK').length === 3);
  expect(client.received()).toMatch(/connection: keep-alive/i);
});

describe('a body that is announced is not waited for', () => {
  const past = Date.now() - 3_600_000;
  test.each<[string, () => Promise<string>, RegExp]>([
    [
      'without a signature',
      async () =>
        'POST / HTTP/1.1\r\nhost: x\r\nx-amz-target: CodeDeploy_20141006.ListApplications\r\ncontent-length: 9\r\n\r\n',
      /^HTTP\/1.1 403 .*MissingAuthenticationToken/s,
    ],
    [
      'with a key that is not known',
      () => signedHead('{}', [], { accessKeyId: 'AKIAUNKNOWN', secretAccessKey: 'x' }),
      /^HTTP\/1.1 400 .*UnrecognizedClient/s,
    ],
    ['signed an hour ago', () => signedHead('{}', [], admin, past), /^HTTP\/1.1 400 .*InvalidSignature/s],
    [
      'for another path',
      async () => 'PUT /elsewhere HTTP/1.1\r\nhost: x\r\ncontent-length: 1000000\r\n\r\n',
      /^HTTP\/1.1 403 .*AccessDenied/s,
    ],
    [
      'for an API that is not there',
      async () => 'POST / HTTP/1.1\r\nhost: x\r\nx-amz-target: Other.Thing\r\ntransfer-encoding: chunked\r\n\r\n',
      /^HTTP\/1.1 400 .*UnknownOperation/s,
    ],
    [
      'that is larger than any',
      async () => (await signedHead('{}')).replace('content-length: 2', 'content-length: 2000000'),
      /^HTTP\/1.1 413 /,
    ],
  ])('the body of a call of the API %s is not waited for', async (_what, head, expected) => {
    expect(await answerTo(server.url, await head())).toMatch(expected);
  });

  test('the body of an upload by nobody is not waited for', async () => {
    const head = 'PUT /revisions/a.zip HTTP/1.1\r\nhost: x\r\ncontent-length: 1000000\r\n\r\n';
    expect(await answerTo(server.s3Url, head)).toMatch(/^HTTP\/1.1 403 .*AccessDenied/s);
  });
});

test.each([
  ['host', 'host: elsewhere'],
  ['authorization', 'authorization: AWS4-HMAC-SHA256 Credential=a'],
  ['x-amz-date', 'x-amz-date: 20260101T000000Z'],
  ['x-amz-target', 'x-amz-target: CodeDeploy_20141006.DeleteApplication'],
  ['content-type', 'content-type: text/plain'],
])('a call of the API with a second %s header is refused', async (name, line) => {
  const answer = await answerTo(server.url, `${await signedHead('{}', [line])}{}`);
  expect(answer).toMatch(/^HTTP\/1.1 400 .*IncompleteSignatureException/s);
  expect(answer).toContain(`the header ${name} came more than once`);
});

test.each(['gzip', 'br', 'deflate, gzip', 'aws-chunked', 'unknown'])(
  'a call of the API whose body says that it is compressed (%s) is refused, whatever it is',
  async (encoding) => {
    const head = await signedHead('{}', [`Content-Encoding: ${encoding}`, 'connection: close']);
    expect(await answerTo(server.url, `${head}{}`)).toMatch(/^HTTP\/1.1 415 .*SerializationException/s);
    const plain = await signedHead('{}', ['content-encoding: identity', 'connection: close']);
    expect(await answerTo(server.url, `${plain}{}`)).toMatch(/^HTTP\/1.1 200 /);
  },
);

test.each(['x-http-method-override', 'X-HTTP-Method', 'x-method-override'])(
  'a request that wants to be taken for another method by %s is refused by both doors',
  async (name) => {
    const answer = await answerTo(server.url, `${await signedHead('{}', [`${name}: DELETE`])}{}`);
    expect(answer).toMatch(/^HTTP\/1.1 400 .*InvalidRequestException/s);
    const send = rawS3(server.s3Url, admin);
    await send({ method: 'PUT', target: '/revisions/kept.zip', body: 'kept' });
    const signed = { method: 'GET', target: '/revisions/kept.zip', headers: { [name.toLowerCase()]: 'DELETE' } };
    const unsigned = { method: 'GET', target: '/revisions/kept.zip', unsigned: [[name, 'DELETE']] as const };
    expect(await send(signed)).toMatchObject({ status: 501, code: 'NotImplemented' });
    expect(await send(unsigned)).toMatchObject({ status: 501, code: 'NotImplemented' });
    expect((await send({ method: 'GET', target: '/revisions/kept.zip' })).text).toBe('kept');
  },
);

test.each(['/?Action=DeleteApplication', '/?', '/#x', '//', '/?x-id=ListApplications'])(
  'a call of the API at %s is refused: nothing in an address is read',
  async (target) => {
    const head = (await signedHead('{}')).replace('POST / ', `POST ${target} `);
    expect(await answerTo(server.url, `${head.replace('\r\n', '\r\nconnection: close\r\n')}{}`)).toMatch(
      /^HTTP\/1.1 404 .*UnknownOperationException/s,
    );
  },
);

test.each([['{"HostIdentifier":{"toString":"x"}}'], ['{"HostIdentifier":["a"]}'], ['{"HostIdentifier":null}']])(
  'a host that names itself by something else than a text is refused: %s',
  async (body) => {
    const key = await server.key('host', 'arn:aws:iam::000000000000:user/h');
    const admin = managementClient(server.url, await server.key('admin'));
    const known = await admin.call('ListOnPremisesInstances', {});
    if (!known.instanceNames?.includes('h'))
      await admin.call('RegisterOnPremisesInstance', {
        instanceName: 'h',
        iamUserArn: 'arn:aws:iam::000000000000:user/h',
      });
    const headers = {
      'x-amz-target': 'CodeDeployCommandService_v20141006.PollHostCommand',
      'content-type': 'application/x-amz-json-1.1',
    };
    const scope = { service: 'codedeploy-commands', region: 'us-east-1' };
    const url = new URL(server.url);
    const signed = await signRequest({ method: 'POST', url, headers, body }, key, scope, Date.now());
    const lines = Object.entries(signed).map(([name, value]) => `${name}: ${value}`);
    const head = ['POST / HTTP/1.1', ...lines, 'connection: close', `content-length: ${body.length}`, '', ''];
    expect(await answerTo(server.url, `${head.join('\r\n')}${body}`)).toMatch(
      /^HTTP\/1.1 403 .*AccessDeniedException/s,
    );
  },
);

describe('a client that waits to be asked for its body', () => {
  const stranger = 'host: x\r\nexpect: 100-continue\r\ncontent-length: 10\r\n\r\n';
  test('is not asked by either door while nothing says who it is', async () => {
    for (const [url, line] of [
      [server.url, 'POST /'],
      [server.s3Url, 'PUT /revisions/a.zip'],
    ] as const) {
      const answer = await answerTo(url, `${line} HTTP/1.1\r\n${stranger}`);
      expect(answer).toMatch(/^HTTP\/1.1 40[03] /);
      expect(answer).not.toContain('100 Continue');
    }
  });

  test('is asked by the API once its key is known', async () => {
    using client = openRaw(server.url, await signedHead('{}', ['expect: 100-continue']));
    await client.until('100 Continue');
    client.socket.write('{}');
    await client.until('"applications"');
  });

  test('is not asked for an upload that the gate refuses', async () => {
    const send = rawS3(server.s3Url, admin);
    const headers = { expect: '100-continue', 'x-amz-acl': 'public-read' };
    const { status } = await send({ method: 'PUT', target: '/revisions/a.zip', headers, body: 'x' });
    expect(status).toBe(501);
  });
});
