/** `slipway configs` shows the predefined configurations of every platform by what each has. */
import { expect, test } from 'vitest';
import { runCli } from '../../src/cli/program.ts';
import { capturedContext } from '../support/cli-context.ts';
import { scratchFolder } from '../support/scratch.ts';
import { testServer } from '../support/test-server.ts';

test('slipway configs shows what hosts need of a configuration for hosts, and the traffic of one for Lambda or ECS', async () => {
  using scratch = scratchFolder();
  await using server = await testServer(scratch.at('data'));
  const { accessKeyId, secretAccessKey } = await server.key('admin');
  const env = {
    ...{ AWS_ACCESS_KEY_ID: accessKeyId, AWS_SECRET_ACCESS_KEY: secretAccessKey },
    SLIPWAY_ENDPOINT_URL: server.url,
  };
  const lines = async (...args: readonly string[]): Promise<string[]> => {
    const ctx = capturedContext({ env, workingDirectory: scratch.path });
    expect({ status: await runCli(['configs', ...args], ctx), complained: ctx.complained() }).toEqual({
      ...{ status: 0, complained: '' },
    });
    return ctx
      .printed()
      .split('\n')
      .map((line) => line.trim().replace(/ {2,}/g, ' | '));
  };
  expect(await lines('list')).toEqual(
    expect.arrayContaining([
      'CONFIGURATION | PLATFORM | MINIMUM HEALTHY',
      'CodeDeployDefault.HalfAtATime | Server | 50%',
      'CodeDeployDefault.OneAtATime | Server | all but 1',
      'CodeDeployDefault.LambdaAllAtOnce | Lambda | –',
    ]),
  );
  const shown: readonly [string, string][] = [
    ['OneAtATime', 'minimum healthy | all but 1'],
    ['ECSLinear10PercentEvery3Minutes', 'traffic | 10% every 3 min'],
    ['LambdaCanary10Percent30Minutes', 'traffic | 10%, the rest after 30 min'],
    ['ECSAllAtOnce', 'traffic | all at once'],
  ];
  for (const [name, line] of shown) {
    expect(await lines('show', `CodeDeployDefault.${name}`)).toEqual(
      expect.arrayContaining([line, 'created (UTC) | predefined']),
    );
  }
  const own: readonly [readonly string[], string, string][] = [
    [['--platform', 'lambda', '--canary', '25/7'], 'Lambda', '25%, the rest after 7 min'],
    [['--platform', 'ecs', '--linear', '30%/2m'], 'ECS', '30% every 2 min'],
    [['--platform', 'ecs'], 'ECS', 'all at once'],
  ];
  for (const [index, [args, platform, traffic]] of own.entries()) {
    await lines('create', `own-${index}`, ...args);
    expect(await lines('show', `own-${index}`)).toEqual(
      expect.arrayContaining([`platform | ${platform}`, `traffic | ${traffic}`]),
    );
  }
  const refusedWith = async (...args: readonly string[]): Promise<string> => {
    const ctx = capturedContext({ env, workingDirectory: scratch.path });
    expect(await runCli(['configs', 'create', 'wrong', ...args], ctx)).not.toBe(0);
    return ctx.complained();
  };
  expect(await refusedWith()).toContain('Add --min-healthy');
  expect(await refusedWith('--canary', '10/5')).toContain('name the --platform');
  expect(await refusedWith('--platform', 'ecs', '--canary', '10/5', '--linear', '10/5')).toContain(
    'exclude each other',
  );
  expect(await refusedWith('--platform', 'ecs', '--min-healthy', '1')).toContain('has no hosts');
  expect(await refusedWith('--platform', 'ecs', '--canary', 'ten')).toContain('PERCENT/MINUTES');
  expect(await refusedWith('--platform', 'lambda', '--linear', '1/30')).toContain('2970 minutes');
  const waits = ['--first-zone-wait', '900', '--zone-wait', '300'];
  await lines('create', 'by-zone', '--min-healthy', '50%', '--min-healthy-per-zone', '1', ...waits);
  expect(await lines('show', 'by-zone')).toContain(
    'zones | one after another, 1 healthy in each, 900 s after the first zone, 300 s after others',
  );
});
