/** Attacks on the API: calls that two readers would read as two, and calls that are larger than any. */
import assert from 'node:assert/strict';
import { request as httpRequest } from 'node:http';
import { signRequest } from '../../src/protocol/sigv4/sign.ts';
import type { Attack, AttackGround } from './attack.ts';

const PROMISE = 'a call is read alike by everybody, and nothing is answered with success that was not understood';
const LONG = 'x'.repeat(900_000);
const CREATE = 'CodeDeploy_20141006.CreateApplication';
/** A call that is refused is so at once. */
const ANSWERS_WITHIN_MS = 5_000;

interface Call {
  readonly target: string;
  readonly path?: string;
  readonly body: string;
}

interface Answer {
  readonly status: number;
  readonly text: string;
}

type SendCall = (call: Call) => Promise<Answer>;

/** Calls as bytes of the attack's choice, signed by an admin. */
async function prepared(ground: AttackGround): Promise<SendCall> {
  const { url, env } = await ground.sharedServer();
  const key = {
    accessKeyId: env['AWS_ACCESS_KEY_ID'] ?? '',
    secretAccessKey: env['AWS_SECRET_ACCESS_KEY'] ?? '',
  };
  return async ({ target, path = '/', body }) => {
    const address = new URL(path, url);
    const headers = { 'x-amz-target': target, 'content-type': 'application/x-amz-json-1.1' };
    const scope = { service: 'codedeploy', region: 'us-east-1' };
    const signed = await signRequest({ method: 'POST', url: address, headers, body }, key, scope, Date.now());
    return new Promise((resolve, reject) => {
      const { hostname, port } = address;
      const call = httpRequest(
        {
          ...{ host: hostname, port, path, method: 'POST', agent: false },
          headers: { ...signed, 'content-length': String(Buffer.byteLength(body)) },
        },
        (answer) => {
          let text = '';
          answer.setEncoding('utf8').on('data', (piece: string) => {
            text += piece;
          });
          answer.on('end', () => resolve({ status: answer.statusCode ?? 0, text })).on('error', reject);
        },
      );
      call.on('error', reject).end(body);
    });
  };
}

function areRefused(name: string, calls: readonly Call[]): Attack {
  return {
    promise: PROMISE,
    name,
    async run(ground) {
      const send = await prepared(ground);
      const list = () => send({ target: 'CodeDeploy_20141006.ListApplications', body: '{}' });
      const before = await list();
      assert.equal(before.status, 200);
      for (const call of calls) {
        const what = `${call.target} ${call.path ?? ''} ${call.body.slice(0, 120)}`;
        const startedMs = performance.now();
        const { status, text } = await send(call);
        assert.ok(status >= 400 && status < 500, `${what} was answered with ${status}: ${text.slice(0, 300)}`);
        assert.ok(performance.now() - startedMs < ANSWERS_WITHIN_MS, `${what} took too long`);
      }
      assert.equal((await list()).text, before.text, 'something was made');
    },
  };
}

const nested = (open: string, close: string, depth: number) => open.repeat(depth) + close.repeat(depth);
const tags = (count: number) => JSON.stringify(Array.from({ length: count }, (_, n) => ({ Key: `k${n}`, Value: '' })));

export const API_ATTACKS: readonly Attack[] = [
  areRefused('a client names a member twice, or one that every object has', [
    { target: CREATE, body: '{"applicationName":"first","applicationName":"last"}' },
    { target: CREATE, body: '{"applicationName":"first","application\\u004eame":"last"}' },
    { target: CREATE, body: '{"applicationName":"tagged","tags":[{"Key":"a","Key":"b","Value":"c"}]}' },
    { target: CREATE, body: '{"__proto__":{"applicationName":"inherited"}}' },
    { target: CREATE, body: '{"applicationName":"owned","constructor":{"name":"x"}}' },
    { target: CREATE, body: '{"applicationName":"owned","tags":[{"__proto__":{"Key":"a"},"Value":"b"}]}' },
  ]),
  areRefused('a client asks for one thing in the address and for another in the body', [
    { target: CREATE, path: '/?Action=DeleteApplication&applicationName=site', body: '{"applicationName":"asked"}' },
    { target: CREATE, path: '/?', body: '{"applicationName":"asked"}' },
    { target: CREATE, path: '/index', body: '{"applicationName":"asked"}' },
  ]),
  areRefused('a client sends bodies without an end in depth, in number and in length', [
    { target: CREATE, body: `{"applicationName":"deep","tags":${nested('[', ']', 400_000)}}` },
    { target: CREATE, body: `{"applicationName":"deep","tags":${nested('{"a":', '}', 150_000).replace('}', '1}')}}` },
    { target: CREATE, body: `{"applicationName":"${LONG}"}` },
    { target: CREATE, body: `{"applicationName":"many","tags":${tags(30_000)}}` },
    { target: 'CodeDeploy_20141006.ListOnPremisesInstances', body: `{"tagFilters":${tags(30_000)}}` },
    { target: 'CodeDeploy_20141006.GetDeployment', body: `{"deploymentId":"${LONG}"}` },
    {
      target: 'CodeDeploy_20141006.RegisterOnPremisesInstance',
      body: `{"instanceName":"long","iamUserArn":"arn:aws:iam::000000000000:user/${LONG}"}`,
    },
  ]),
  areRefused('a client sends characters that nothing keeps, and values of other types', [
    { target: CREATE, body: '{"applicationName":"half","tags":[{"Key":"\\ud800","Value":"x"}]}' },
    { target: CREATE, body: '{"applicationName":"nul","tags":[{"Key":"a\\u0000","Value":"x"}]}' },
    { target: CREATE, body: '{"applicationName":["listed"]}' },
    { target: CREATE, body: '{"applicationName":{"toString":"x"}}' },
    { target: CREATE, body: '[{"applicationName":"listed"}]' },
    {
      target: 'CodeDeploy_20141006.CreateDeploymentConfig',
      body: '{"deploymentConfigName":"endless","minimumHealthyHosts":{"type":"HOST_COUNT","value":1e400}}',
    },
    { target: 'CodeDeploy_20141006.ListDeployments', body: '{"createTimeRange":{"start":1e300}}' },
  ]),
];
