import { renameSync, writeFileSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import { resolveIdentity } from '../../src/identity/resolve-identity.ts';
import { manualClock } from '../support/clock.ts';
import { collectingLogger } from '../support/deployment.ts';
import { type Answer, answeringServer, type ReceivedRequest } from '../support/http-server.ts';
import { type ScratchFolder, scratchFolder } from '../support/scratch.ts';

const NOWHERE = '/nonexistent/on-premises.yml';
const DOCUMENT = JSON.stringify({ region: 'us-west-2', accountId: '123456789012', instanceId: 'i-abc' });

/** Answers of instance metadata; nothing real can run here, so this imitates it over real HTTP. */
function instanceMetadata(answers: (request: ReceivedRequest) => Answer | undefined) {
  return answeringServer(
    (request) =>
      answers(request) ?? {
        body:
          {
            '/latest/api/token': 'TOKEN',
            '/latest/dynamic/instance-identity/document': DOCUMENT,
            '/latest/meta-data/services/partition': 'aws',
            '/latest/meta-data/iam/security-credentials/': 'role\n',
          }[request.path] ?? '',
        status: 200,
      },
  );
}

function writeUser(scratch: ScratchFolder, accessKeyId: string, arn = 'arn:u'): string {
  const file = scratch.at('on-premises.yml');
  const user = { region: 'eu-west-1', iam_user_arn: arn, aws_access_key_id: accessKeyId, aws_secret_access_key: 's' };
  writeFileSync(scratch.at('new.yml'), JSON.stringify(user), { mode: 0o600 });
  renameSync(scratch.at('new.yml'), file);
  return file;
}

describe('on premises', () => {
  test('a user’s new keys are taken from the file without a restart, and a file that is half written changes nothing', async () => {
    using scratch = scratchFolder();
    const log = collectingLogger();
    const file = writeUser(scratch, 'ONE');
    const config = { onPremisesConfigFile: file, disableImdsV1: true };
    const { credentials } = await resolveIdentity(config, {}, manualClock(), log);
    expect(await credentials()).toMatchObject({ accessKeyId: 'ONE' });
    writeFileSync(file, 'region: eu-west-1\niam_user_arn: arn:u\n');
    expect(await credentials()).toMatchObject({ accessKeyId: 'ONE' });
    writeUser(scratch, 'OTHER', 'arn:another');
    expect(await credentials()).toMatchObject({ accessKeyId: 'ONE' });
    writeUser(scratch, 'TWO');
    expect(await credentials()).toMatchObject({ accessKeyId: 'TWO' });
    expect(log.lines.map(({ level }) => level)).toEqual(['warn', 'warn', 'info']);
  });

  test('a session’s credentials are read again when the file changes, and every 25 minutes', async () => {
    using scratch = scratchFolder();
    const session = scratch.at('session.ini');
    const write = (key: string) =>
      writeFileSync(session, `[default]\naws_access_key_id = ${key}\naws_secret_access_key=s\naws_session_token= t\n`);
    write('ONE');
    const file = scratch.at('on-premises.yml');
    writeFileSync(file, `region: r\niam_session_arn: arn:s\naws_credentials_file: ${session}\n`, { mode: 0o600 });
    const clock = manualClock();
    const config = { onPremisesConfigFile: file, disableImdsV1: true };
    const { credentials } = await resolveIdentity(config, {}, clock);
    expect(await credentials()).toEqual({ accessKeyId: 'ONE', secretAccessKey: 's', sessionToken: 't' });
    write('TWO-AT-ONCE');
    expect(await credentials()).toMatchObject({ accessKeyId: 'TWO-AT-ONCE' });
    writeFileSync(session, 'half');
    expect(await credentials()).toMatchObject({ accessKeyId: 'TWO-AT-ONCE' });
    clock.advance(31 * 60_000);
    await expect(credentials()).rejects.toMatchObject({ code: 'AGENT_NO_CREDENTIALS' });
    write('THREE');
    expect(await credentials()).toMatchObject({ accessKeyId: 'THREE' });
  });

  test('an on-premises file that may not be read is named, and the host is taken to be on EC2', async () => {
    using scratch = scratchFolder();
    await using imds = await instanceMetadata(() => undefined);
    // A folder in its place fails for root as well.
    const config = { onPremisesConfigFile: scratch.path, disableImdsV1: true };
    const identity = await resolveIdentity(config, { AWS_EC2_METADATA_SERVICE_ENDPOINT: imds.url }, manualClock());
    expect(identity.hostIdentifier).toBe('arn:aws:ec2:us-west-2:123456789012:instance/i-abc');
    expect(identity.warnings).toEqual([expect.stringMatching(/cannot be read.*taken to be on EC2/)]);
  });

  test('a region that no region can be called is refused wherever it comes from', async () => {
    await using imds = await instanceMetadata(() => undefined);
    const env = { AWS_EC2_METADATA_SERVICE_ENDPOINT: imds.url, AWS_REGION: 'evil.example.com/' };
    const config = { onPremisesConfigFile: NOWHERE, disableImdsV1: true };
    await expect(resolveIdentity(config, env, manualClock())).rejects.toMatchObject({ code: 'CONFIG_INVALID' });
  });
});

describe('on EC2', () => {
  const config = { onPremisesConfigFile: NOWHERE, disableImdsV1: true };

  test('on EC2 the environment may name region and host', async () => {
    await using imds = await instanceMetadata(() => undefined);
    const env = { AWS_EC2_METADATA_SERVICE_ENDPOINT: imds.url, AWS_REGION: 'eu-west-1', AWS_HOST_IDENTIFIER: 'arn:me' };
    expect(await resolveIdentity(config, env, manualClock())).toMatchObject({
      region: 'eu-west-1',
      hostIdentifier: 'arn:me',
    });
  });

  test.each(['AWS_REGION', 'AWS_HOST_IDENTIFIER'])(
    'on EC2 an empty %s counts as not set, and instance metadata says who the host is',
    async (name) => {
      await using imds = await instanceMetadata(() => undefined);
      const env = { AWS_EC2_METADATA_SERVICE_ENDPOINT: imds.url, [name]: '' };
      expect(await resolveIdentity(config, env, manualClock())).toMatchObject({
        region: 'us-west-2',
        hostIdentifier: 'arn:aws:ec2:us-west-2:123456789012:instance/i-abc',
      });
    },
  );

  test('instance metadata by version 1 is asked only where that is allowed', async () => {
    await using imds = await instanceMetadata(({ method }) => (method === 'PUT' ? { status: 403 } : undefined));
    const env = { AWS_EC2_METADATA_SERVICE_ENDPOINT: imds.url };
    await expect(resolveIdentity(config, env, manualClock())).rejects.toMatchObject({ code: 'AGENT_NO_IDENTITY' });
    expect(imds.received.map(({ method }) => method)).toEqual(['PUT']);
    const identity = await resolveIdentity({ ...config, disableImdsV1: false }, env, manualClock());
    expect(identity.region).toBe('us-west-2');
    expect(imds.received.at(-1)?.headers).not.toHaveProperty('x-aws-ec2-metadata-token');
  });

  test('a token of instance metadata that has run out is asked for anew', async () => {
    let tokens = 0;
    await using imds = await instanceMetadata(({ method, headers }) => {
      if (method === 'PUT') {
        tokens += 1;
        return { body: `TOKEN-${tokens}` };
      }
      return headers['x-aws-ec2-metadata-token'] === 'TOKEN-1' ? { status: 401 } : undefined;
    });
    const env = { AWS_EC2_METADATA_SERVICE_ENDPOINT: imds.url };
    expect((await resolveIdentity(config, env, manualClock())).region).toBe('us-west-2');
    expect(tokens).toBe(2);
  });

  test('an instance’s credentials are renewed before they run out, and kept when that fails', async () => {
    const clock = manualClock();
    const startMs = clock.now();
    let issued = 0;
    let isDown = false;
    await using imds = await instanceMetadata(({ path }) => {
      if (isDown) return { status: 500 };
      if (path !== '/latest/meta-data/iam/security-credentials/role') return undefined;
      issued += 1;
      const Expiration = new Date(startMs + issued * 60 * 60_000).toISOString();
      return { body: JSON.stringify({ AccessKeyId: `KEY-${issued}`, SecretAccessKey: 's', Token: 't', Expiration }) };
    });
    const env = { AWS_EC2_METADATA_SERVICE_ENDPOINT: imds.url };
    const { credentials } = await resolveIdentity(config, env, clock);
    expect(await credentials()).toMatchObject({ accessKeyId: 'KEY-1', sessionToken: 't' });
    clock.advance(56 * 60_000);
    expect(await credentials()).toMatchObject({ accessKeyId: 'KEY-2' });
    isDown = true;
    clock.advance(60 * 60_000);
    expect(await credentials()).toMatchObject({ accessKeyId: 'KEY-2' });
    clock.advance(5 * 60_000);
    await expect(credentials()).rejects.toMatchObject({ code: 'AGENT_NO_METADATA' });
  });
});
