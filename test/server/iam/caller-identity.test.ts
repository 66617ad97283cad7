import { expect, test } from 'vitest';
import { handDrivenHost, managementClient } from '../../support/hand-driven-host.ts';
import { queryApi } from '../../support/query-api.ts';
import { scratchFolder } from '../../support/scratch.ts';
import { testServer } from '../../support/test-server.ts';

test('GetCallerIdentity tells each key who it is, and nobody else anything', async () => {
  using scratch = scratchFolder();
  await using server = await testServer(scratch.path);
  for (const role of ['admin', 'operator', 'viewer'] as const) {
    const key = await server.key(role);
    expect(await queryApi(server.url, 'sts', key)('GetCallerIdentity')).toMatchObject({
      status: 200,
      result: {
        Account: '000000000000',
        UserId: key.accessKeyId,
        Arn: `arn:aws:iam::000000000000:user/slipway/${role}/${key.accessKeyId}`,
      },
    });
  }
  const operator = await server.key('operator');
  const host = await handDrivenHost(server.url, managementClient(server.url, operator), 'web-1', 'test');
  const { result } = await queryApi(server.url, 'sts', host.key)('GetCallerIdentity');
  expect(result).toMatchObject({ Arn: host.hostArn, UserId: host.key.accessKeyId });

  await managementClient(server.url, operator).call('DeregisterOnPremisesInstance', { instanceName: 'web-1' });
  await server.disable(operator.accessKeyId);
  const unknown = { accessKeyId: 'AKIAUNKNOWN000000000', secretAccessKey: 'x' };
  for (const key of [host.key, operator, unknown]) {
    const answer = await queryApi(server.url, 'sts', key)('GetCallerIdentity');
    expect(answer).toMatchObject({ status: 403, code: 'InvalidClientTokenId' });
  }
  const forged = { ...host.key, secretAccessKey: 'wrong' };
  expect(await queryApi(server.url, 'sts', forged)('GetCallerIdentity')).toMatchObject({ status: 403 });
});
