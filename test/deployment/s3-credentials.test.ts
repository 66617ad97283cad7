/** Bundles from a store that the host's own key does not open, as the agent's configuration has it. */
import { chmodSync, readFileSync, writeFileSync } from 'node:fs';
import { userInfo } from 'node:os';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { loadAgentConfig } from '../../src/config/agent-config.ts';
import { createDeploymentContext } from '../../src/deployment/create-context.ts';
import { systemClock } from '../../src/system/clock.ts';
import { collectingLogger } from '../support/deployment.ts';
import type { KeyPair } from '../support/hand-driven-host.ts';
import { rawS3 } from '../support/raw-s3.ts';
import { type ScratchFolder, scratchFolder } from '../support/scratch.ts';
import { type TestServer, testServer } from '../support/test-server.ts';

describe('a bundle from a store with a key of its own', () => {
  let scratch: ScratchFolder;
  let store: TestServer;
  let reader: KeyPair;
  const strangers = { accessKeyId: 'AKIAOFTHEHOSTITSELF0', secretAccessKey: 'unknown to the store' };
  beforeAll(async () => {
    scratch = scratchFolder();
    store = await testServer(scratch.at('store'));
    const send = rawS3(store.s3Url, await store.key('operator'));
    const put = await send({ method: 'PUT', target: '/revisions/app.zip', body: 'the bundle' });
    expect(put.status).toBe(200);
    reader = await store.key('viewer');
  });
  afterAll(async () => {
    await store[Symbol.asyncDispose]();
    scratch[Symbol.dispose]();
  });

  /** @param credentialsFile null: the setting is not there */
  function contextWith(credentialsFile: string | null) {
    const configFile = scratch.at('codedeployagent.yml');
    const setting = credentialsFile === null ? '' : `s3_credentials_file: ${credentialsFile}\n`;
    writeFileSync(configFile, `s3_endpoint_override: ${store.s3Url}\nroot_dir: ${scratch.at('root')}\n${setting}`);
    return createDeploymentContext(loadAgentConfig(configFile).config, {
      ...{ region: 'us-east-1', credentials: async () => strangers, baseEnvironment: {} },
      ...{ clock: systemClock, log: collectingLogger() },
    });
  }

  const fetched = async (ctx: ReturnType<typeof contextWith>) => {
    const s3 = { bucket: 'revisions', key: 'app.zip', version: null, eTag: null, bundleType: 'zip' as const };
    const revision = { revisionType: 'S3' as const, ...s3 };
    await ctx.fetchBundle({ revision, bundleFile: scratch.at('bundle'), gitHubAccessToken: null });
    return readFileSync(scratch.at('bundle'), 'utf8');
  };

  const lines = (key: KeyPair, profile = 'default') =>
    `[${profile}]\naws_access_key_id = ${key.accessKeyId}\naws_secret_access_key = ${key.secretAccessKey}\n`;

  test('is fetched with the key of s3_credentials_file, also after that key was changed', async () => {
    const file = scratch.at('changing');
    writeFileSync(file, lines(reader));
    const ctx = contextWith(file);
    expect(await fetched(ctx)).toBe('the bundle');
    await store.disable(reader.accessKeyId);
    await expect(fetched(ctx)).rejects.toMatchObject({ code: 'REVISION_DENIED' });
    reader = await store.key('viewer');
    writeFileSync(file, lines(strangers, 'other') + lines(reader));
    expect(await fetched(ctx)).toBe('the bundle');
  });

  test('is asked for with the key of the host’s identity where the setting is missing', async () => {
    await expect(fetched(contextWith(null))).rejects.toMatchObject({
      code: 'REVISION_DENIED',
      message: expect.not.stringContaining('with the key of'),
    });
  });

  test('is refused by the store with the name of the file that has the wrong key', async () => {
    const file = scratch.at('wrong');
    writeFileSync(file, lines(strangers));
    await expect(fetched(contextWith(file))).rejects.toMatchObject({
      code: 'REVISION_DENIED',
      message: expect.stringContaining(`with the key of ${file}`),
    });
  });

  test.each<[string, string | null, string]>([
    ['is missing', null, 'ENOENT'],
    ['is a folder', 'folder', 'EISDIR'],
    ['is empty', '', 'has no access key in its profile [default]'],
    ['has another profile only', lines(strangers, 'other'), 'has no access key in its profile [default]'],
    ['has no secret', '[default]\naws_access_key_id = AKIA\n', 'has no access key in its profile [default]'],
    [
      'has an empty secret',
      lines({ accessKeyId: 'AKIA', secretAccessKey: '' }),
      'has no access key in its profile [default]',
    ],
  ])('fails at once with the name of the file when the file %s', async (what, text, words) => {
    const file = text === 'folder' ? scratch.path : scratch.at(`file that ${what}`);
    if (text !== null && text !== 'folder') writeFileSync(file, text);
    const error: unknown = await fetched(contextWith(file)).catch((thrown: unknown) => thrown);
    expect(error).toMatchObject({ code: 'AGENT_NO_CREDENTIALS', message: expect.stringContaining(words) });
    expect(error).toMatchObject({ message: expect.stringContaining(`s3_credentials_file ${file} `) });
  });

  test('fails with the name of the user who may not read the file', async () => {
    const file = scratch.at('unreadable');
    writeFileSync(file, lines(reader));
    chmodSync(file, 0);
    // Nothing keeps root from a file, but a missing one is told in the same words.
    const isRoot = process.getuid?.() === 0;
    await expect(fetched(contextWith(isRoot ? scratch.at('none') : file))).rejects.toMatchObject({
      code: 'AGENT_NO_CREDENTIALS',
      message: expect.stringContaining(`cannot be read by the user ${userInfo().username} (uid ${process.getuid?.()})`),
    });
  });
});
