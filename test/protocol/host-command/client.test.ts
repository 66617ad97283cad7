import { describe, expect, test } from 'vitest';
import { createHostCommandClient, type HostCommandClientOptions } from '../../../src/protocol/host-command/client.ts';
import { sha256Hex } from '../../../src/protocol/sigv4/sha256.ts';
import { verifySignature } from '../../../src/protocol/sigv4/verify.ts';
import { systemClock } from '../../../src/system/clock.ts';
import { manualClock } from '../../support/clock.ts';
import { type Answer, answeringServer, type ReceivedRequest } from '../../support/http-server.ts';

const hostIdentifier = 'arn:aws:iam::000000000000:user/slipway/web-1';
const secretAccessKey = 'wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY';
const command = {
  HostCommandIdentifier: 'hc-1',
  HostIdentifier: hostIdentifier,
  DeploymentExecutionId: 'a/b/c/d',
  CommandName: 'Install',
};

function clientOf(endpoint: string, changes: Partial<HostCommandClientOptions> = {}) {
  return createHostCommandClient({
    endpoint,
    region: 'eu-west-1',
    hostIdentifier,
    credentials: async () => ({ accessKeyId: 'AKIAHOST', secretAccessKey }),
    agentVersion: 'SLIPWAY_1.2.3',
    enableAuthPolicy: false,
    readTimeoutMs: 10_000,
    proxyUri: null,
    proxyEnvironment: {},
    clock: systemClock,
    ...changes,
  });
}

const answering = (...answers: Answer[]) => answeringServer((_, index) => answers[index] ?? {});
const json = (value: unknown): Answer => ({ body: JSON.stringify(value) });
const bodyOf = (request: ReceivedRequest | undefined) => JSON.parse(request?.body.toString() ?? 'null');

describe('each call', () => {
  test('is a signed POST of AWS JSON 1.1, its version header covered by the signature', async () => {
    await using server = await answering(json({}));
    await clientOf(server.url).pollHostCommand();
    const [request] = server.received;
    expect(request).toMatchObject({
      method: 'POST',
      path: '/',
      headers: {
        'content-type': 'application/x-amz-json-1.1',
        'x-amz-target': 'CodeDeployCommandService_v20141006.PollHostCommand',
        'x-amz-codedeploy-agent-version': 'SLIPWAY_1.2.3',
      },
    });
    const { method = '', path = '', headers = {}, body = Buffer.of() } = request ?? {};
    const verified = await verifySignature(
      { method, path, headers, bodySha256: sha256Hex(body) },
      {
        services: ['codedeploy-commands'],
        nowMs: Date.now(),
        secretOf: async () => secretAccessKey,
        requiredHeaders: ['host', 'x-amz-date', 'x-amz-target', 'content-type', 'x-amz-codedeploy-agent-version'],
      },
    );
    expect(verified).toMatchObject({ accessKeyId: 'AKIAHOST', region: 'eu-west-1' });
  });

  test('a call with the auth policy goes to the secure target and is signed for its service', async () => {
    await using server = await answering(json({}));
    await clientOf(server.url, { enableAuthPolicy: true }).pollHostCommand();
    const headers = server.received[0]?.headers ?? {};
    expect(headers['x-amz-target']).toBe('CodeDeployCommandService.PollHostCommand');
    expect(headers['authorization']).toContain('/eu-west-1/codedeploy-commands-secure/aws4_request');
  });

  test('asks for credentials anew, so that they can be replaced while the agent runs', async () => {
    await using server = await answering();
    const ids = ['AKIAFIRST', 'AKIASECOND'];
    const credentials = async () => ({ accessKeyId: ids.shift() ?? '', secretAccessKey });
    const client = clientOf(server.url, { credentials });
    await client.pollHostCommand();
    await client.pollHostCommand();
    expect(server.received.map(({ headers }) => /AKIA[A-Z]+/.exec(headers['authorization'] ?? '')?.[0])).toEqual([
      'AKIAFIRST',
      'AKIASECOND',
    ]);
  });
});

describe('the four operations', () => {
  test('PollHostCommand: the command, or null when there is none', async () => {
    await using server = await answering(json({ HostCommand: command }), json({ HostCommand: null }), { body: '' });
    const client = clientOf(server.url);
    expect(await client.pollHostCommand()).toEqual(command);
    expect(await client.pollHostCommand()).toBeNull();
    expect(await client.pollHostCommand()).toBeNull();
    expect(bodyOf(server.received[0])).toEqual({ HostIdentifier: hostIdentifier });
  });

  test.each(['HostCommandIdentifier', 'HostIdentifier', 'DeploymentExecutionId', 'CommandName'])(
    'PollHostCommand: a command without %s is a fault of the server',
    async (member) => {
      await using server = await answering(json({ HostCommand: { ...command, [member]: undefined } }));
      await expect(clientOf(server.url).pollHostCommand()).rejects.toMatchObject({
        code: 'SERVER_ANSWER_INVALID',
        message: expect.stringContaining(member),
      });
    },
  );

  test.each(['HostCommandIdentifier', 'HostIdentifier', 'DeploymentExecutionId', 'CommandName'])(
    'PollHostCommand: a command whose %s is of another type, too long, or holds what no message may hold is a fault of the server',
    async (member) => {
      const bad = [
        null,
        7,
        true,
        [],
        {},
        ['a'],
        '',
        'x'.repeat(2_049),
        'ä'.repeat(1_025),
        'a\0b',
        'a\nb',
        '\x1b[2J',
        'a\x85',
        'a\ud800',
      ];
      await using server = await answering(
        ...bad.map((value) => json({ HostCommand: { ...command, [member]: value } })),
      );
      const client = clientOf(server.url);
      for (const _ of bad) {
        const fault = { code: 'SERVER_ANSWER_INVALID', message: expect.stringContaining(member) };
        await expect(client.pollHostCommand()).rejects.toMatchObject(fault);
      }
    },
  );

  test.each(['text', 7, true, [], [command]])(
    'PollHostCommand: a command that is %j is a fault of the server',
    async (HostCommand) => {
      await using server = await answering(json({ HostCommand }));
      await expect(clientOf(server.url).pollHostCommand()).rejects.toMatchObject({ code: 'SERVER_ANSWER_INVALID' });
    },
  );

  test('PollHostCommand: an identifier as long as those of AWS, and of any other form, is taken', async () => {
    for (const length of [460, 2_048]) {
      const long = { ...command, HostCommandIdentifier: 'WyJjb20uYW1hem9uLmFwb2xsby/+='.repeat(80).slice(0, length) };
      await using server = await answering(json({ HostCommand: { ...long, Nonce: 7, Unknown: {} } }));
      expect(await clientOf(server.url).pollHostCommand()).toEqual(long);
    }
  });

  test('GetDeploymentSpecification', async () => {
    const answer = {
      DeploymentSystem: 'CodeDeploy',
      DeploymentSpecification: { GenericEnvelope: { Format: 'PKCS7/JSON', Payload: 'pem' } },
    };
    await using server = await answering(json(answer));
    expect(await clientOf(server.url).getDeploymentSpecification('a/b/c/d')).toEqual(answer);
    expect(bodyOf(server.received[0])).toEqual({ DeploymentExecutionId: 'a/b/c/d', HostIdentifier: hostIdentifier });
  });

  test('PutHostCommandAcknowledgement: the status, or null when the service does not say', async () => {
    await using server = await answering(json({ CommandStatus: 'InProgress' }), json({}));
    const client = clientOf(server.url);
    expect(await client.acknowledge('hc-1', true)).toBe('InProgress');
    expect(await client.acknowledge('hc-1', false)).toBeNull();
    expect(server.received.map(bodyOf)).toEqual([
      { HostCommandIdentifier: 'hc-1', Diagnostics: { Format: 'JSON', Payload: '{"IsCommandNoop":true}' } },
      { HostCommandIdentifier: 'hc-1', Diagnostics: { Format: 'JSON', Payload: '{"IsCommandNoop":false}' } },
    ]);
  });

  test('PutHostCommandComplete: an empty answer is fine', async () => {
    await using server = await answering({ body: '' });
    await clientOf(server.url).complete('hc-1', {
      status: 'Failed',
      diagnostics: { errorCode: 4, scriptName: 's.sh', message: 'Grüße', log: '' },
    });
    expect(bodyOf(server.received[0])).toEqual({
      HostCommandIdentifier: 'hc-1',
      CommandStatus: 'Failed',
      Diagnostics: { Format: 'JSON', Payload: '{"error_code":4,"script_name":"s.sh","message":"Grüße","log":""}' },
    });
  });
});

test('a throttled call waits and is made again, and meanwhile the client says that it is throttled', async () => {
  const clock = manualClock(Date.now());
  await using server = await answering({ status: 429, body: '' }, json({ HostCommand: command }));
  const client = clientOf(server.url, { clock, random: { fraction: () => 0 } });
  const polled = client.pollHostCommand();
  expect(await clock.nextSleep()).toBe(1000);
  expect(client.isThrottled).toBe(true);
  clock.advance(1000);
  expect(await polled).toEqual(command);
  expect(client.isThrottled).toBe(false);
});

test('an error answer is thrown with its type, and not tried again', async () => {
  await using server = await answering({ status: 400, body: '{"__type":"ClientException"}' });
  await expect(clientOf(server.url).pollHostCommand()).rejects.toMatchObject({
    name: 'RemoteApiError',
    type: 'ClientException',
  });
  expect(server.received).toHaveLength(1);
});
