import { expect, test } from 'vitest';
import { installCommand, loadOptional, onFirstUse } from '../../../../src/server/outside/aws/optional-client.ts';

test('a client whose package is not installed is named with the command that installs it, and is looked for again', async () => {
  const name = '@aws-sdk/client-of-nobody';
  let isInstalled = false;
  const client = onFirstUse(() => loadOptional(name, async () => (isInstalled ? 'the client' : import(`${name}`))));
  await expect(client()).rejects.toMatchObject({
    ...{ code: 'PACKAGE_MISSING', message: expect.stringContaining(name) },
    remedy: expect.stringContaining(`npm install --global ${name}`),
  });
  isInstalled = true;
  expect(await client()).toBe('the client');
});

test.each([
  ['/usr/local/lib/node_modules/slipway/dist/chunks/aws-1.js', 'npm install --global @aws-sdk/client-sns'],
  ['/usr/lib/slipway/dist/chunks/aws-1.js', 'npm install --global --prefix /usr @aws-sdk/client-sns'],
])('beside %s a client is installed by: %s', (program, command) => {
  expect(installCommand('@aws-sdk/client-sns', program)).toBe(command);
});
