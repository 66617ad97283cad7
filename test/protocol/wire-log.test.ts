import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { createHostCommandClient } from '../../src/protocol/host-command/client.ts';
import { renderExchange, type WireExchange } from '../../src/protocol/wire-log.ts';
import { systemClock } from '../../src/system/clock.ts';
import { answeringServer } from '../support/http-server.ts';

const exchange: WireExchange = {
  method: 'POST',
  url: 'https://codedeploy-commands.us-east-1.amazonaws.com/',
  headers: { 'x-amz-target': 'CodeDeployCommandService_v20141006.PollHostCommand' },
  body: '{}',
  answer: { status: 200, headers: { 'x-amzn-requestid': 'r-1' }, body: '{}' },
  tookMs: 12.4,
};

describe('the wire log', () => {
  test('shows request and answer, one line a header', () => {
    expect(renderExchange(exchange, 0)).toBe(
      [
        '1970-01-01T00:00:00.000Z POST https://codedeploy-commands.us-east-1.amazonaws.com/ (12 ms)',
        '> x-amz-target: CodeDeployCommandService_v20141006.PollHostCommand',
        '> {}',
        '< 200',
        '< x-amzn-requestid: r-1',
        '< {}',
        '\n',
      ].join('\n'),
    );
    expect(renderExchange({ ...exchange, answer: { error: 'connect ECONNREFUSED' } }, 0)).toContain(
      '< no answer: connect ECONNREFUSED\n',
    );
  });

  test('the record of a real call holds who signed what, and neither signature, token nor specification', async () => {
    const sealed = { GenericEnvelope: { Format: 'PKCS7/JSON', Payload: '-----BEGIN PKCS7-----\nghp_token' } };
    await using server = await answeringServer(() => ({
      body: JSON.stringify({ DeploymentSystem: 'CodeDeploy', DeploymentSpecification: sealed }),
    }));
    const texts: string[] = [];
    const client = createHostCommandClient({
      ...{ endpoint: server.url, region: 'eu-west-1', hostIdentifier: 'arn:host', agentVersion: 'SLIPWAY_1' },
      ...{ enableAuthPolicy: false, readTimeoutMs: 10_000, proxyUri: null, proxyEnvironment: {}, clock: systemClock },
      credentials: async () => ({
        accessKeyId: 'AKIAHOST',
        secretAccessKey: 'SECRETKEY',
        sessionToken: 'SESSIONTOKEN',
      }),
      wireLog: (one) => texts.push(renderExchange(one, 0)),
    });
    await client.getDeploymentSpecification('a/b/c/d');
    await client.complete('hc-1', {
      status: 'Failed',
      diagnostics: { errorCode: 4, scriptName: 'x.sh', message: 'it failed', log: 'last words' },
    });
    const text = texts.join('');
    expect(texts).toHaveLength(2);
    expect(text).toContain('Credential=AKIAHOST/');
    expect(text).toContain('Signature=[hidden]');
    expect(text).toContain('"DeploymentExecutionId":"a/b/c/d"');
    expect(text).toContain('[hidden: 31 characters]');
    expect(text).toContain('last words');
    const signature = /Signature=(\w+)/.exec(server.received[0]?.headers['authorization'] ?? '')?.[1] ?? 'none';
    for (const secret of [signature, 'SESSIONTOKEN', 'SECRETKEY', 'ghp_token', 'BEGIN PKCS7']) {
      expect(text, secret).not.toContain(secret);
    }
  });

  test('hides what is called a secret at any depth, in addresses too', () => {
    const url = 'https://user:pw@host/key?X-Amz-Signature=abc&X-Amz-Security-Token=def&versionId=1';
    const body = JSON.stringify({ a: [{ GitHubAccessToken: 'ghp_1', password: 'p4ss' }] });
    const text = renderExchange({ ...exchange, url, body }, 0);
    for (const secret of ['pw@', 'abc', 'def', 'ghp_1', 'p4ss']) expect(text).not.toContain(secret);
    expect(text).toContain('versionId=1');
  });

  test('takes any words for what they are: none begins a line of its own, none is endless', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'binary' }), fc.string({ unit: 'binary' }), (header, body) => {
        const text = renderExchange({ ...exchange, headers: { a: header }, body, answer: { error: header } }, 0);
        for (const line of text.trimEnd().split('\n').slice(1)) expect(line).toMatch(/^[<>] /);
      }),
    );
    expect(renderExchange({ ...exchange, body: 'x'.repeat(100_000) }, 0).length).toBeLessThan(40_000);
  });
});
