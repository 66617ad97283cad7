import { CodeDeployClient, GetApplicationCommand } from '@aws-sdk/client-codedeploy';
import { describe, expect, test } from 'vitest';
import { ApiError, decodeApiError, encodeApiError } from '../../src/protocol/errors.ts';
import { answeringServer } from '../support/http-server.ts';

describe('an error that a server encodes', () => {
  test('is decoded with type, message and status', () => {
    const { status, headers, body } = encodeApiError(
      new ApiError('ApplicationDoesNotExistException', 'no “Hello” here'),
    );
    expect(decodeApiError(status, { ...headers, 'x-amzn-requestid': 'r-1' }, body)).toMatchObject({
      type: 'ApplicationDoesNotExistException',
      message: 'no “Hello” here',
      status: 400,
      requestId: 'r-1',
      isThrottle: false,
    });
  });

  test('is the exception of that name to the AWS SDK', async () => {
    await using server = await answeringServer(() =>
      encodeApiError(new ApiError('ApplicationDoesNotExistException', 'there is none')),
    );
    const client = new CodeDeployClient({
      endpoint: server.url,
      region: 'us-east-1',
      credentials: { accessKeyId: 'AKIATEST', secretAccessKey: 'secret' },
      maxAttempts: 1,
    });
    const call = client.send(new GetApplicationCommand({ applicationName: 'Hello' }));
    await expect(call).rejects.toMatchObject({ name: 'ApplicationDoesNotExistException', message: 'there is none' });
    client.destroy();
  });
});

describe('an error answer', () => {
  test.each([
    [
      '{"__type":"com.amazonaws.codedeploy#NameException:http://internal.amazon.com/","message":"m"}',
      {},
      'NameException',
    ],
    ['{"__type":"NameException","Message":"m"}', {}, 'NameException'],
    ['{"message":"m"}', { 'x-amzn-errortype': 'NameException:' }, 'NameException'],
    ['{"code":"NameException","message":"m"}', {}, 'NameException'],
  ])('%s has the bare type', (body, headers, type) => {
    expect(decodeApiError(400, headers, body)).toMatchObject({ type, message: 'm' });
  });

  test.each([
    [502, '<html>\n<h1>Bad\u001b[31m Gateway</h1>', 'HTTP 502', '<html> <h1>Bad [31m Gateway</h1>'],
    [500, '', 'HTTP 500', 'the answer was empty'],
    [400, '[1]', 'HTTP 400', '[1]'],
    [400, 'null', 'HTTP 400', 'null'],
    [400, '{"__type":7}', 'HTTP 400', '7'],
  ])('an error answer of status %d with the body %j and no type keeps both', (status, body, type, words) => {
    expect(decodeApiError(status, {}, body)).toMatchObject({ type, status, message: expect.stringContaining(words) });
  });

  test('keeps only the beginning of a long body', () => {
    expect(decodeApiError(500, {}, 'x'.repeat(100_000)).message.length).toBeLessThan(600);
  });

  test.each([
    [429, '', true],
    [400, '{"__type":"ThrottlingException","message":"slow down"}', true],
    [400, '{"__type":"aws#TooManyRequestsException"}', true],
    [400, '{"__type":"Throttling"}', true],
    [400, '{"__type":"RequestThrottled"}', true],
    [400, '{"__type":"RequestThrottledException"}', true],
    [400, '{"__type":"ClientException","message":"Rate exceeded"}', true],
    [503, 'rate exceeded', true],
    [400, '{"__type":"ClientException","message":"no"}', false],
    [503, 'busy', false],
  ])('an error answer of status %d with the body %j is a throttle: %s', (status, body, isThrottle) => {
    expect(decodeApiError(status, {}, body).isThrottle).toBe(isThrottle);
  });
});

test.each([
  [{ 'retry-after': '7' }, 7_000],
  [{ 'retry-after': ' 0 ' }, 0],
  [{ 'retry-after': 'Thu, 01 Jan 2026 00:01:00 GMT', date: 'Thu, 01 Jan 2026 00:00:00 GMT' }, 60_000],
  [{ 'retry-after': 'Thu, 01 Jan 2026 00:01:00 GMT' }, null],
  [{ 'retry-after': 'soon' }, null],
  [{ 'retry-after': '-5' }, null],
  [{ 'retry-after': '9'.repeat(400) }, null],
  [{}, null],
] as const)('an answer with the headers %j asks for a pause of %s ms', (headers, retryAfterMs) => {
  expect(decodeApiError(503, headers, '{}')).toMatchObject({ retryAfterMs });
});

test.each([
  [400, '{"__type":"ClientException"}', true],
  [400, '<html>a proxy</html>', false],
  [404, '', false],
  [429, '{"__type":"ClientException"}', false],
  [302, '', false],
  [500, '{"__type":"ServerException"}', false],
])('the answer %i with the body %j is a refusal by the service: %s', (status, body, isRefusal) => {
  expect(decodeApiError(status, {}, body).isRefusal).toBe(isRefusal);
});
