import { expect, test } from 'vitest';
import { runCli } from '../../src/cli/program.ts';
import { capturedContext } from '../support/cli-context.ts';

/** Loopback's port 9: whoever asks there has not refused before. */
const env = { SLIPWAY_ENDPOINT_URL: 'http://127.0.0.1:9', AWS_ACCESS_KEY_ID: 'AKIATEST', AWS_SECRET_ACCESS_KEY: 's' };

test.each([
  ['applications list --region', '--region <region>'],
  ['applications list --endpoint-url', '--endpoint-url <url>'],
  ['applications list --ca-file', '--ca-file <file>'],
  ['applications list --profile', '--profile <name>'],
  ['deployments list --group', '--group <group>'],
  ['deployments list --group production --application', '--application <name>'],
  ['deployments show d-1 --target', '--target <host>'],
  ['validate --appspec-filename', '--appspec-filename <name>'],
  ['local --bundle-location', '--bundle-location <location>'],
  ['doctor --config-file', '--config-file'],
])('%s with an empty value is refused before anything is done, and the option is named', async (words, named) => {
  const ctx = capturedContext({ env });
  expect(await runCli([...words.split(' '), ''], ctx)).toBe(2);
  expect(ctx.complained()).toContain(named);
  expect(ctx.complained()).toContain('is empty');
});

test.each([
  ['deploy --application a --group g', 'source'],
  ['push --application a', 'source'],
  ['validate', 'path'],
  ['plan', 'bundle'],
  ['applications delete', 'name'],
  ['deployments stop', 'deployment'],
  ['deployments show', 'deployment'],
  ['hosts show', 'name'],
])('%s with an empty argument is refused, and does not take the folder that it runs in', async (words, named) => {
  const ctx = capturedContext({ env });
  expect(await runCli([...words.split(' '), ''], ctx)).toBe(2);
  expect(ctx.complained()).toMatch(new RegExp(`the argument '${named}s?' is empty`));
});

test('An empty description is taken, because it is what takes a description away', async () => {
  const ctx = capturedContext({ env });
  await runCli(['deploy', '--revision', 's3://b/k.zip', '--group', 'a/g', '--description', ''], ctx);
  expect(ctx.complained()).not.toContain('is empty');
});
