import { describe, expect, expectTypeOf, test } from 'vitest';
import { createManagementClient } from '../../../src/protocol/management/client.ts';
import type { CodeDeployOperation, ManagementOperations } from '../../../src/protocol/management/shapes.ts';
import { sha256Hex } from '../../../src/protocol/sigv4/sha256.ts';
import { verifySignature } from '../../../src/protocol/sigv4/verify.ts';
import { systemClock } from '../../../src/system/clock.ts';
import { answeringServer } from '../../support/http-server.ts';

const credentials = { accessKeyId: 'AKIATEST', secretAccessKey: 'a secret key' };

function clientOf(endpoint: string) {
  return createManagementClient({
    endpoint,
    region: 'us-east-1',
    credentials: async () => credentials,
    clock: systemClock,
    proxyEnvironment: {},
  });
}

describe('a call', () => {
  test('a call of a CodeDeploy operation names its target, is signed for codedeploy, and passes times as they are', async () => {
    await using server = await answeringServer(() => ({ body: '{"application":{"createTime":1446744188.711}}' }));
    const { application } = await clientOf(server.url).call('GetApplication', { applicationName: 'Hello' });
    expect(application?.createTime).toBe(1446744188.711);
    const [request] = server.received;
    expect(request?.headers['x-amz-target']).toBe('CodeDeploy_20141006.GetApplication');
    expect(JSON.parse(request?.body.toString() ?? '')).toEqual({ applicationName: 'Hello' });
    const { method = '', path = '', headers = {}, body = '' } = request ?? {};
    await expect(
      verifySignature(
        { method, path, headers, bodySha256: sha256Hex(body) },
        { services: ['codedeploy'], nowMs: Date.now(), secretOf: async () => credentials.secretAccessKey },
      ),
    ).resolves.toMatchObject({ accessKeyId: 'AKIATEST' });
  });

  test('a call of an operation that only this server has goes to its own target through the same door', async () => {
    await using server = await answeringServer(() => ({ body: '{}' }));
    await clientOf(server.url).call('DisableAccessKey', { accessKeyId: 'AKIAOLD' });
    expect(server.received[0]?.headers['x-amz-target']).toBe('SlipwayControl_20261101.DisableAccessKey');
  });

  test('a call that fails throws what the server said', async () => {
    await using server = await answeringServer(() => ({
      status: 400,
      headers: { 'x-amzn-requestid': 'r-7' },
      body: '{"__type":"ApplicationDoesNotExistException","message":"there is no Hello"}',
    }));
    await expect(clientOf(server.url).call('GetApplication', { applicationName: 'Hello' })).rejects.toMatchObject({
      type: 'ApplicationDoesNotExistException',
      message: 'there is no Hello',
      requestId: 'r-7',
    });
  });
});

test('the shapes are those of the AWS model, with times as numbers', () => {
  type Io<Op extends CodeDeployOperation> = ManagementOperations[Op];
  expectTypeOf<'CreateDeployment' | 'BatchGetDeploymentTargets' | 'StopDeployment'>().toExtend<CodeDeployOperation>();
  // What is no operation of the model (the SDK exports such names, too) must not get into the table.
  expectTypeOf<Extract<CodeDeployOperation, '$' | '' | 'Client'>>().toBeNever();
  expectTypeOf<NonNullable<Io<'GetDeployment'>['output']['deploymentInfo']>['createTime']>().toEqualTypeOf<
    number | undefined
  >();
  expectTypeOf<NonNullable<Io<'ListDeployments'>['input']['createTimeRange']>['start']>().toEqualTypeOf<
    number | undefined
  >();
  expectTypeOf<Io<'ListApplications'>['output']['applications']>().toEqualTypeOf<string[] | undefined>();
  expectTypeOf<Io<'CreateDeployment'>['input']['applicationName']>().toEqualTypeOf<string | undefined>();
  expectTypeOf<Io<'ListApplications'>['output']>().not.toHaveProperty('$metadata');
});
