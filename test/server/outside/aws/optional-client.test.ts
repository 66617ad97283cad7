import { expect, test } from 'vitest';
import { loadOptional, onFirstUse } from '../../../../src/server/outside/aws/optional-client.ts';

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
