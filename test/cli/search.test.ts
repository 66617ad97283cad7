/** `slipway search` names each resource by its kind, and says when there is none. */
import { expect, test } from 'vitest';
import { runCli } from '../../src/cli/program.ts';
import { capturedContext } from '../support/cli-context.ts';
import { scratchFolder } from '../support/scratch.ts';
import { testServer } from '../support/test-server.ts';

test('slipway search finds resources of all kinds by words of their names', async () => {
  using scratch = scratchFolder();
  await using server = await testServer(scratch.at('data'));
  const { accessKeyId, secretAccessKey } = await server.key('admin');
  const env = {
    ...{ AWS_ACCESS_KEY_ID: accessKeyId, AWS_SECRET_ACCESS_KEY: secretAccessKey },
    SLIPWAY_ENDPOINT_URL: server.url,
  };
  const run = async (...args: readonly string[]): Promise<string[]> => {
    const ctx = capturedContext({ env, workingDirectory: scratch.path });
    expect({ status: await runCli(args, ctx), complained: ctx.complained() }).toEqual({ status: 0, complained: '' });
    return ctx
      .printed()
      .trimEnd()
      .split('\n')
      .map((line) => line.trim().replace(/ {2,}/g, ' | '));
  };
  await run('applications', 'create', 'shop');
  await run('groups', 'create', 'live-shop', '--application', 'shop', '--tag', 'Role=web');
  await run('revisions', 'register', '--application', 'shop', '--revision', 's3://revisions/shop/1.zip');
  const [header, ...found] = await run('search', 'SHOP');
  expect(header).toBe('KIND | NAME | OF');
  expect(found).toEqual([
    'Application | shop',
    'DeploymentGroup | live-shop | shop',
    'Revision | s3://revisions/shop/1.zip | shop',
  ]);
  expect(await run('search', 'live', 'shop')).toEqual([header, 'DeploymentGroup | live-shop | shop']);
  expect(await run('search', 'nowhere')).toEqual(['Nothing that this key may see has all of these words in its name.']);
  expect(JSON.parse((await run('search', 'live', '--json')).join('\n'))).toEqual([
    { kind: 'DeploymentGroup', name: 'live-shop', applicationName: 'shop' },
  ]);
});
